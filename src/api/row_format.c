/* The format of a reply with rows (row_format.h). */
#include "api/row_format.h"

/* application/xml is not among them: browsers send it before the range that means anything.
 * In the order in which they win at equal weight. `named`: a client that lists the type means it; ranges are taken when
 * nothing that is named fits. */
static const struct offer {
    struct str type;
    enum writer_format format;
    bool named;
} offers[] = {
    {{"application/json", 16}, WRITER_JSON, true},
    {{"text/csv", 8}, WRITER_CSV, true},
    {{"application/vnd.geo+json", 24}, WRITER_GEOJSON, true},
    {{"application/geo+json", 20}, WRITER_GEOJSON, true},
    {{"text/tab-separated-values", 25}, WRITER_TSV, true},
    {{"text/xml", 8}, WRITER_XML, true},
    {{"application/rdf+xml", 19}, WRITER_RDF, true},
    {{"text/html", 9}, WRITER_JSON, true}, /* a browser: it names XML too, at a lower weight, and shows JSON better */
    {{"application/*", 13}, WRITER_JSON, false},
    {{"text/*", 6}, WRITER_CSV, false},
    {{"*/*", 3}, WRITER_JSON, false},
};

/* q=0.345 in thousandths, 1000 when there is none or it cannot be read. */
static int weight(struct str parameters)
{
    for (struct str piece; parameters.n;) {
        str_cut(parameters, ';', &piece, &parameters);
        piece = str_trim(piece);
        if (piece.n < 3 || (piece.p[0] | 0x20) != 'q' || piece.p[1] != '=')
            continue;
        int q = 0, unit = 1000;
        for (size_t i = 2; i < piece.n && unit; i++) {
            if (piece.p[i] == '.')
                continue;
            if (piece.p[i] < '0' || piece.p[i] > '9')
                return 1000;
            q += (piece.p[i] - '0') * unit;
            unit /= 10;
        }
        return q;
    }
    return 1000;
}

static const struct offer *find_offer(struct str type)
{
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
        if (str_eq_fold(type, offers[i].type))
            return &offers[i];
    return NULL;
}

static enum writer_format choose_by_accept(struct str accept)
{
    const struct offer *best = NULL;
    int best_score = 0;
    for (struct str item; accept.n;) {
        str_cut(accept, ',', &item, &accept);
        struct str type, parameters = STR_NONE;
        str_cut(item, ';', &type, &parameters);
        const struct offer *offer = find_offer(str_trim(type));
        int q = offer ? weight(parameters) : 0;
        int score = q ? q * 2 + offer->named : 0;
        if (score > best_score || (score && score == best_score && offer < best)) {
            best = offer;
            best_score = score;
        }
    }
    return best ? best->format : WRITER_JSON;
}

enum writer_format row_format_choose(enum api_extension extension, struct str accept)
{
    switch (extension) {
    case EXTENSION_JSON:
        return WRITER_JSON;
    case EXTENSION_CSV:
        return WRITER_CSV;
    case EXTENSION_GEOJSON:
        return WRITER_GEOJSON;
    case EXTENSION_TSV:
        return WRITER_TSV;
    case EXTENSION_XML:
        return WRITER_XML;
    case EXTENSION_RDF:
        return WRITER_RDF;
    case EXTENSION_NONE:
    case EXTENSION_TXT: /* nobody's rows: view resources have such aliases */
        break;
    }
    return choose_by_accept(accept);
}
