/* Lengths and areas on the WGS84 ellipsoid, along geodesics. Degrees in, metres out. */
#ifndef SELTZER_SQL_FUNCTIONS_EARTH_H
#define SELTZER_SQL_FUNCTIONS_EARTH_H

#include "base/str.h"

double earth_distance(double latitude_a, double longitude_a, double latitude_b, double longitude_b); /* NaN: a latitude out of range */
/* Whether a stored geometry has points, and all of them are within the radius. */
bool earth_within(struct str wkb, double latitude, double longitude, double radius);
double earth_area(struct str wkb); /* of polygons, without their holes */

#endif
