#include "catalog/actor.h"

const struct actor actor_server = {.user = "", .via = "server", .peer = ""};
