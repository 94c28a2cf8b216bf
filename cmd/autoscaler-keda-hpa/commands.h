/*
 * The subcommands, one file each. argv[0] is the subcommand's name (the program's for a plain
 * call); what they answer is the exit code of the program: 0 fine, 1 failed, 2 wrong use.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include <stdbool.h>

#include "pkg/base/strbuf.h"

#define PROGRAM "autoscaler-keda-hpa"

/* The controller, until SIGTERM. */
int command_run(int argc, char **argv);
/* What the core decides for manifests, without a cluster. 1: something was refused. */
int command_render(int argc, char **argv);
/* The reference of all annotations. */
int command_annotations(int argc, char **argv);
/* For people, with their kubeconfig: how revisions stand, and why. */
int command_status(int argc, char **argv);
int command_why(int argc, char **argv);
/* The licences of what is linked in. */
int command_licenses(int argc, char **argv);

/* How a person called us: "kubectl autoscaler-keda" where this is kubectl's plugin (the file's name
 * begins with kubectl-autoscaler_keda), else PROGRAM. */
const char *command_program(void);

/* All of it to standard output; false, and the cause on standard error, if that fails. */
MUST_CHECK bool command_print(const struct strbuf *out);

#endif
