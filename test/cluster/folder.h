/* The folder that tells clients how to reach the server: ca.crt and kubeconfig. */
#ifndef TEST_CLUSTER_FOLDER_H
#define TEST_CLUSTER_FOLDER_H

#include <stdint.h>

#include "test/cluster/certificates.h"

#define TOKEN_SIZE 65 /* 32 random bytes in hex, NUL included */

MUST_CHECK bool token_make(char token[TOKEN_SIZE], struct error *err);
/* Makes the folder (0700) if it is not there, and both files (0600) anew; each appears whole or
 * not at all, kubeconfig last. */
MUST_CHECK bool folder_write(const char *dir, const struct certificates *certificates,
			     const char *token, uint16_t port, struct error *err);

#endif
