/*
 * The one file that is compiled with the commit, so that a new one rebuilds nothing else.
 */
#include "pkg/base/build.h"

const char *build_commit(void)
{
	return AKH_COMMIT;
}
