/*
 * What a container runtime does to a process before it starts the program, by the Deployment of
 * config/: its user, no capabilities, no new privileges, a read-only root, a seccomp profile. For
 * tests, which need to be root. Invariant: a profile is taken whole or refused; a member or a name
 * that is not understood is an error, never a rule left out.
 *
 * Profiles are those of the OCI runtime specification (config-linux, Seccomp), with "comment" in a
 * rule, which runtimes pass over.
 */
#ifndef TEST_HARD_CONFINE_H
#define TEST_HARD_CONFINE_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"

struct confinement {
	const char *profile; /* path of the JSON file; NULL: none */
	uint32_t instead;    /* of the default action, as SCMP_ACT_KILL_PROCESS; 0: as told */
	unsigned uid;        /* and gid; 0 keeps the user, without root's capabilities */
	bool root_is_not_read_only;
	const char *root; /* folder that is "/" then; NULL: "/" stays what it is */
};

/* A filter that is not loaded; release it with seccomp_release. */
MUST_CHECK bool profile_read(const char *path, uint32_t instead, scmp_filter_ctx *out,
			     struct error *err);
/* Confines the calling thread, which must be the only one. What was done until an error is not
 * undone. Afterwards, execve or _exit. */
MUST_CHECK bool confine(const struct confinement *how, struct error *err);

#endif
