/* The read river's head (soql.h): parameters to tree, tree to SQL. */
#include "soql/soql.h"

#include "soql/emit.h"
#include "soql/parameters.h"

bool soql_compile(const struct soql_request *request, struct arena *a, struct query *ret, struct error *err)
{
    struct soql_tree tree;
    return soql_parse_parameters(request, a, &tree, err) && soql_emit(request, &tree, a, ret, err);
}
