/* Every handler that routes.def names, one object each; the router turns `X(…, handler)` into &handler_<handler>.
 * A handler lives in the file of its resource: rows (resource_…), views.c, columns.c, permissions.c, api_keys.c, users.c, version.c, geocoding.c. */
#ifndef SELTZER_API_HANDLERS_H
#define SELTZER_API_HANDLERS_H

#include "api/api.h"

extern const struct handler handler_resource_query;
extern const struct handler handler_resource_upsert;
extern const struct handler handler_resource_replace;
extern const struct handler handler_resource_truncate;
extern const struct handler handler_resource_row_get;
extern const struct handler handler_resource_row_merge;
extern const struct handler handler_resource_row_replace;
extern const struct handler handler_resource_row_delete;
extern const struct handler handler_views_list;
extern const struct handler handler_views_create;
extern const struct handler handler_view_get;
extern const struct handler handler_view_update;
extern const struct handler handler_view_delete;
extern const struct handler handler_view_publish;
extern const struct handler handler_columns_list;
extern const struct handler handler_columns_add;
extern const struct handler handler_permissions_get;
extern const struct handler handler_permissions_put;
extern const struct handler handler_geocoding_pending;
extern const struct handler handler_api_keys_list;
extern const struct handler handler_api_keys_create;
extern const struct handler handler_api_key_get;
extern const struct handler handler_api_key_delete;
extern const struct handler handler_users_current;
extern const struct handler handler_user_get;
extern const struct handler handler_version_get;
extern const struct handler handler_report_get;
extern const struct handler handler_audit;
extern const struct handler handler_probe_health;
extern const struct handler handler_probe_ready;
extern const struct handler handler_probe_metrics;
extern const struct handler handler_oauth_authorize;
extern const struct handler handler_oauth_decide;
extern const struct handler handler_oauth_token;
extern const struct handler handler_oauth_revoke;
extern const struct handler handler_oauth_metadata;
extern const struct handler handler_log_in_page;
extern const struct handler handler_log_in;
extern const struct handler handler_log_out;
extern const struct handler handler_authenticate;
extern const struct handler handler_page_style;
extern const struct handler handler_developer_settings;
extern const struct handler handler_developer_settings_change;

#endif
