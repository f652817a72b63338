/* Places where a test may end the process as kill -9 would: SELTZER_TEST_STOP=NAME or NAME:N for the N-th time it is
 * passed. Costs a comparison when the variable is not set. Names: docs/storage.md, "Stop points". */
#ifndef SELTZER_STORE_STOP_POINT_H
#define SELTZER_STORE_STOP_POINT_H

void stop_point(const char *name);

#endif
