/* Edit distance (nearest.h): three rows of the table, given up when every entry of a row is past the maximum. */
#include "rows/nearest.h"

int nearest_edits_max(size_t n)
{
    return n < 3 ? 0 : n < 6 ? 1 : n < 10 ? 2 : 3;
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

int nearest_edits(const int32_t *a, size_t an, const int32_t *b, size_t bn, int max)
{
    int rows[3][NEAREST_CHARS_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    size_t gap = an > bn ? an - bn : bn - an;
    if (gap > (size_t)max)
        return max + 1;
    for (size_t j = 0; j <= bn; j++)
        last[j] = before[j] = (int)j;
    for (size_t i = 1; i <= an; i++) {
        int best = now[0] = (int)i;
        for (size_t j = 1; j <= bn; j++) {
            int d = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            now[j] = d;
            best = d < best ? d : best;
        }
        if (best > max)
            return max + 1;
        int *t = before;
        before = last;
        last = now;
        now = t;
    }
    return last[bn];
}
