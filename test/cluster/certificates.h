/*
 * struct certificates: a CA of its own and the server's certificate signed by it, made in process
 * (EC P-256, a year). The CA's key is forgotten at once; nothing here reaches a disk.
 */
#ifndef TEST_CLUSTER_CERTIFICATES_H
#define TEST_CLUSTER_CERTIFICATES_H

#include "pkg/base/error.h"

struct certificates {
	char *ca, *server, *key; /* PEM, owned; key is the server's */
};

/* For 127.0.0.1, localhost and the names of the service "kubernetes". */
MUST_CHECK bool certificates_make(struct certificates *out, struct error *err);
void certificates_release(struct certificates *certificates);

#endif
