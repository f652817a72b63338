/* The seeded rows of the benchmarks (workload.h). */
#include "workload.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

enum {
    ID,
    CASE_NUMBER,
    DATE,
    BLOCK,
    IUCR,
    PRIMARY_TYPE,
    DESCRIPTION,
    LOCATION_DESCRIPTION,
    ARREST,
    DOMESTIC,
    BEAT,
    DISTRICT,
    WARD,
    COMMUNITY_AREA,
    FBI_CODE,
    X_COORDINATE,
    Y_COORDINATE,
    YEAR,
    UPDATED_ON,
    LATITUDE,
    LONGITUDE,
    LOCATION
};

const struct workload_column workload_columns[WORKLOAD_COLUMNS] = {
    [ID] = {"id", "ID", "number", TYPE_NUMBER},
    [CASE_NUMBER] = {"case_number", "Case Number", "text", TYPE_TEXT},
    [DATE] = {"date", "Date", "calendar_date", TYPE_FLOATING_TIMESTAMP},
    [BLOCK] = {"block", "Block", "text", TYPE_TEXT},
    [IUCR] = {"iucr", "IUCR", "text", TYPE_TEXT},
    [PRIMARY_TYPE] = {"primary_type", "Primary Type", "text", TYPE_TEXT},
    [DESCRIPTION] = {"description", "Description", "text", TYPE_TEXT},
    [LOCATION_DESCRIPTION] = {"location_description", "Location Description", "text", TYPE_TEXT},
    [ARREST] = {"arrest", "Arrest", "checkbox", TYPE_CHECKBOX},
    [DOMESTIC] = {"domestic", "Domestic", "checkbox", TYPE_CHECKBOX},
    [BEAT] = {"beat", "Beat", "text", TYPE_TEXT},
    [DISTRICT] = {"district", "District", "text", TYPE_TEXT},
    [WARD] = {"ward", "Ward", "number", TYPE_NUMBER},
    [COMMUNITY_AREA] = {"community_area", "Community Area", "number", TYPE_NUMBER},
    [FBI_CODE] = {"fbi_code", "FBI Code", "text", TYPE_TEXT},
    [X_COORDINATE] = {"x_coordinate", "X Coordinate", "number", TYPE_NUMBER},
    [Y_COORDINATE] = {"y_coordinate", "Y Coordinate", "number", TYPE_NUMBER},
    [YEAR] = {"year", "Year", "number", TYPE_NUMBER},
    [UPDATED_ON] = {"updated_on", "Updated On", "calendar_date", TYPE_FLOATING_TIMESTAMP},
    [LATITUDE] = {"latitude", "Latitude", "number", TYPE_NUMBER},
    [LONGITUDE] = {"longitude", "Longitude", "number", TYPE_NUMBER},
    [LOCATION] = {"location", "Location", "point", TYPE_POINT},
};

static const char *const crime_types[33] = {
    "ARSON",
    "ASSAULT",
    "BATTERY",
    "BURGLARY",
    "CONCEALED CARRY LICENSE VIOLATION",
    "CRIMINAL DAMAGE",
    "CRIMINAL SEXUAL ASSAULT",
    "CRIMINAL TRESPASS",
    "DECEPTIVE PRACTICE",
    "GAMBLING",
    "HOMICIDE",
    "HUMAN TRAFFICKING",
    "INTERFERENCE WITH PUBLIC OFFICER",
    "INTIMIDATION",
    "KIDNAPPING",
    "LIQUOR LAW VIOLATION",
    "MOTOR VEHICLE THEFT",
    "NARCOTICS",
    "NON-CRIMINAL",
    "OBSCENITY",
    "OFFENSE INVOLVING CHILDREN",
    "OTHER NARCOTIC VIOLATION",
    "OTHER OFFENSE",
    "PROSTITUTION",
    "PUBLIC INDECENCY",
    "PUBLIC PEACE VIOLATION",
    "RITUALISM",
    "ROBBERY",
    "SEX OFFENSE",
    "STALKING",
    "THEFT",
    "WEAPONS VIOLATION",
    "DOMESTIC VIOLENCE",
};

static const char *const descriptions[] = {
    "SIMPLE",
    "$500 AND UNDER",
    "OVER $500",
    "DOMESTIC BATTERY SIMPLE",
    "TO VEHICLE",
    "TO PROPERTY",
    "FORCIBLE ENTRY",
    "AUTOMOBILE",
    "FROM BUILDING",
    "RETAIL THEFT",
    "POSS: CANNABIS 30GMS OR LESS",
    "TELEPHONE THREAT",
    "AGGRAVATED: HANDGUN",
    "CREDIT CARD FRAUD",
    "UNLAWFUL ENTRY",
    "HARASSMENT BY ELECTRONIC MEANS",
};

static const char *const places[] = {
    "STREET",
    "RESIDENCE",
    "APARTMENT",
    "SIDEWALK",
    "OTHER",
    "PARKING LOT/GARAGE(NON.RESID.)",
    "ALLEY",
    "SCHOOL, PUBLIC, BUILDING",
    "RESIDENCE-GARAGE",
    "SMALL RETAIL STORE",
    "RESTAURANT",
    "VEHICLE NON-COMMERCIAL",
    "DEPARTMENT STORE",
    "GAS STATION",
};

static const char *const streets[] = {
    "W WASHINGTON BLVD", "N STATE ST",   "S MICHIGAN AVE", "W 63RD ST",    "S COTTAGE GROVE AVE", "N CLARK ST",    "E 79TH ST",
    "W NORTH AVE",       "S HALSTED ST", "W MADISON ST",   "N KEDZIE AVE", "S ASHLAND AVE",       "W BELMONT AVE",
};

static const char *const fbi_codes[] = {"01A", "02",  "03", "04A", "04B", "05", "06", "07",
                                        "08A", "08B", "10", "11",  "14",  "15", "18", "26"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ── keys ── */

static uint64_t scramble(uint64_t z) /* splitmix64's last steps */
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* A permutation of 0 … n-1 without memory: four Feistel rounds over the next power of four, walked until inside. */
static uint64_t permute(uint64_t seed, uint64_t i, uint64_t n)
{
    unsigned half = 1;
    while (half < 31 && (1ull << 2 * half) < n)
        half++;
    uint64_t mask = (1ull << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (unsigned round = 0; round < 4; round++) {
            uint64_t t = left ^ (scramble(seed + right * 4 + round + 1) & mask);
            left = right;
            right = t;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}

uint64_t workload_key(const struct workload *w, uint64_t i)
{
    if (w->is_shuffled)
        i = permute(w->seed ^ w->generation, i, w->rows);
    uint64_t pairs = (w->rows + 1) / 2;
    switch (w->mix) {
    case WORKLOAD_LOAD:
        return 2 * i;
    case WORKLOAD_INSERT:
        return 2 * (i * w->table_rows / w->rows) + 1;
    case WORKLOAD_UPDATE:
        return 2 * (i * w->table_rows / w->rows);
    case WORKLOAD_HALF:
        return 2 * ((i / 2) * w->table_rows / pairs) + i % 2;
    }
    return 0;
}

/* ── a row ── */

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t n) /* 0 … n-1; the bias of the remainder does not matter here */
{
    return scramble(d->state += 0x9E3779B97F4A7C15u) % n;
}

static void put_text(struct workload_row *r, int column, const char *fmt, ...) printf_like(3, 4);
static void put_text(struct workload_row *r, int column, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *p = r->bytes + r->used;
    int n = vsnprintf(p, sizeof r->bytes - r->used, fmt, args);
    va_end(args);
    r->cells[column] = cell_text(str_make(p, (size_t)n));
    r->used += (size_t)n;
}

static void put_word(struct workload_row *r, int column, const char *word)
{
    r->cells[column] = cell_text(str_from(word));
}

static void put_point(struct workload_row *r, int column, double longitude, double latitude)
{
    unsigned char *p = (unsigned char *)r->bytes + r->used;
    static const unsigned char header[5] = {1, 1, 0, 0, 0};
    memcpy(p, header, 5);
    memcpy(p + 5, &longitude, 8);
    memcpy(p + 13, &latitude, 8);
    r->cells[column] = cell_blob(str_make((char *)p, 21));
    r->used += 21;
}

/* One row in 64 has no place, as in the real file. */
static void make_place(struct dice *d, struct workload_row *r)
{
    uint64_t latitude = 41644585000u + roll(d, 378000000), longitude = 87524529000u + roll(d, 410000000);
    if (roll(d, 64) == 0) {
        for (int c = X_COORDINATE; c <= LOCATION; c++) {
            if (c != YEAR && c != UPDATED_ON)
                r->cells[c] = cell_null();
        }
        return;
    }
    put_text(r, X_COORDINATE, "%" PRIu64, 1092647 + roll(d, 112000));
    put_text(r, Y_COORDINATE, "%" PRIu64, 1813897 + roll(d, 137000));
    put_text(r, LATITUDE, "%" PRIu64 ".%09" PRIu64, latitude / 1000000000, latitude % 1000000000);
    put_text(r, LONGITUDE, "-%" PRIu64 ".%09" PRIu64, longitude / 1000000000, longitude % 1000000000);
    put_point(r, LOCATION, -((double)longitude / 1e9), (double)latitude / 1e9);
}

void workload_make(const struct workload *w, uint64_t i, struct workload_row *ret)
{
    enum { SECONDS_OF_20_YEARS = 631152000, FROM = 978307200 /* 2001-01-01 */ };
    uint64_t key = workload_key(w, i);
    struct dice d = {scramble(w->seed ^ scramble(key ^ (uint64_t)w->generation << 40))};
    int64_t seconds = FROM + (int64_t)roll(&d, SECONDS_OF_20_YEARS), year = 0;
    unsigned month, day;
    clock_civil_from_days(seconds / 86400, &year, &month, &day);
    ret->used = 0;
    put_text(ret, ID, "%" PRIu64, 1000000 + key);
    put_text(ret, CASE_NUMBER, "%c%c%06" PRIu64, (char)('A' + key / 26000000 % 26), (char)('A' + key / 1000000 % 26),
             key % 1000000);
    ret->cells[DATE] = cell_int(seconds * 1000);
    put_text(ret, BLOCK, "%03uXX %s", (unsigned)roll(&d, 130), streets[roll(&d, COUNT(streets))]);
    put_text(ret, IUCR, "%04u", (unsigned)roll(&d, 5200));
    put_word(ret, PRIMARY_TYPE, crime_types[roll(&d, COUNT(crime_types))]);
    put_word(ret, DESCRIPTION, descriptions[roll(&d, COUNT(descriptions))]);
    put_word(ret, LOCATION_DESCRIPTION, places[roll(&d, COUNT(places))]);
    ret->cells[ARREST] = cell_int(roll(&d, 4) == 0);
    ret->cells[DOMESTIC] = cell_int(roll(&d, 7) == 0);
    put_text(ret, BEAT, "%04u", (unsigned)(111 + roll(&d, 2400)));
    put_text(ret, DISTRICT, "%03u", (unsigned)(1 + roll(&d, 25)));
    put_text(ret, WARD, "%u", (unsigned)(1 + roll(&d, 50)));
    put_text(ret, COMMUNITY_AREA, "%u", (unsigned)(1 + roll(&d, 77)));
    put_word(ret, FBI_CODE, fbi_codes[roll(&d, COUNT(fbi_codes))]);
    put_text(ret, YEAR, "%" PRId64, year);
    /* Rises with the generation, so that two generations of a key always differ. */
    ret->cells[UPDATED_ON] = cell_int((seconds % 86400 + FROM + SECONDS_OF_20_YEARS + (int64_t)w->generation * 86400) * 1000);
    make_place(&d, ret);
}

/* ── as text ── */

static void add_timestamp(int64_t ms, const char *iso_or_us, struct buf *out)
{
    int64_t seconds = ms / 1000, year;
    unsigned month, day, of_day = (unsigned)(seconds % 86400), hour = of_day / 3600;
    clock_civil_from_days(seconds / 86400, &year, &month, &day);
    if (*iso_or_us == 'i')
        buf_printf(out, "%04d-%02u-%02uT%02u:%02u:%02u.000", (int)year, month, day, hour, of_day / 60 % 60, of_day % 60);
    else
        buf_printf(out, "%02u/%02u/%04d %02u:%02u:%02u %s", month, day, (int)year, hour % 12 ? hour % 12 : 12, of_day / 60 % 60,
                   of_day % 60, hour < 12 ? "AM" : "PM");
}

static void add_json_value(const struct workload_row *r, int column, struct buf *out)
{
    const struct cell *c = &r->cells[column];
    switch (workload_columns[column].type) {
    case TYPE_CHECKBOX:
        buf_add_z(out, c->i ? "true" : "false");
        break;
    case TYPE_FLOATING_TIMESTAMP:
        buf_add_byte(out, '"');
        add_timestamp(c->i, "iso", out);
        buf_add_byte(out, '"');
        break;
    case TYPE_NUMBER:
        buf_add_str(out, c->s);
        break;
    case TYPE_POINT:
        buf_printf(out, "{\"type\":\"Point\",\"coordinates\":[" FMT_STR "," FMT_STR "]}", ARG_STR(r->cells[LONGITUDE].s),
                   ARG_STR(r->cells[LATITUDE].s));
        break;
    default:
        buf_add_json(out, c->s);
    }
}

void workload_add_json(const struct workload_row *r, struct buf *out)
{
    const char *before = "{\"";
    for (int c = 0; c < WORKLOAD_COLUMNS; c++) {
        if (r->cells[c].kind == CELL_NULL)
            continue;
        buf_add_z(out, before);
        buf_add_z(out, workload_columns[c].field_name);
        buf_add_z(out, "\":");
        add_json_value(r, c, out);
        before = ",\"";
    }
    buf_add_byte(out, '}');
}

/* Only what needs quotes has them; the texts here hold commas but neither quotes nor line ends. */
static void add_csv_text(struct str s, struct buf *out)
{
    bool quoted = memchr(s.p, ',', s.n) != NULL;
    if (quoted)
        buf_add_byte(out, '"');
    buf_add_str(out, s);
    if (quoted)
        buf_add_byte(out, '"');
}

static void add_csv_value(const struct workload_row *r, int column, struct buf *out)
{
    const struct cell *c = &r->cells[column];
    switch (workload_columns[column].type) {
    case TYPE_CHECKBOX:
        buf_add_z(out, c->i ? "true" : "false");
        break;
    case TYPE_FLOATING_TIMESTAMP:
        add_timestamp(c->i, "us", out);
        break;
    case TYPE_POINT:
        buf_printf(out, "\"(" FMT_STR ", " FMT_STR ")\"", ARG_STR(r->cells[LATITUDE].s), ARG_STR(r->cells[LONGITUDE].s));
        break;
    default:
        add_csv_text(c->s, out);
    }
}

void workload_add_csv(const struct workload_row *r, struct buf *out)
{
    for (int c = 0; c < WORKLOAD_COLUMNS; c++) {
        if (c)
            buf_add_byte(out, ',');
        if (r->cells[c].kind != CELL_NULL)
            add_csv_value(r, c, out);
    }
    buf_add_byte(out, '\n');
}

void workload_add_csv_header(struct buf *out)
{
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        buf_printf(out, "%s%s", c ? "," : "", workload_columns[c].field_name);
    buf_add_byte(out, '\n');
}

void workload_add_json_body(const struct workload *w, uint64_t first, uint64_t n, struct buf *out)
{
    struct workload_row r;
    for (uint64_t i = first; i < first + n; i++) {
        buf_add_z(out, i == first ? "[" : ",\n");
        workload_make(w, i, &r);
        workload_add_json(&r, out);
    }
    buf_add_z(out, n ? "]" : "[]");
}

void workload_add_csv_body(const struct workload *w, uint64_t first, uint64_t n, struct buf *out)
{
    struct workload_row r;
    workload_add_csv_header(out);
    for (uint64_t i = first; i < first + n; i++) {
        workload_make(w, i, &r);
        workload_add_csv(&r, out);
    }
}

void workload_add_view(const char *name, struct buf *out)
{
    buf_add_z(out, "{\"name\":");
    buf_add_json(out, str_from(name));
    buf_printf(out, ",\"metadata\":{\"rowIdentifier\":\"%s\"},\"columns\":[", workload_columns[WORKLOAD_KEY_COLUMN].field_name);
    for (int c = 0; c < WORKLOAD_COLUMNS; c++)
        buf_printf(out, "%s{\"name\":\"%s\",\"fieldName\":\"%s\",\"dataTypeName\":\"%s\"}", c ? "," : "",
                   workload_columns[c].name, workload_columns[c].field_name, workload_columns[c].view_type);
    buf_add_z(out, "]}");
}
