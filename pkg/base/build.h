/* What this program was built from. */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

/* The commit, seven digits, as Knative's components tell it; "" where there was no repository. */
const char *build_commit(void);

#endif
