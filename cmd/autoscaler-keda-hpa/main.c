/*
 * Chooses the subcommand. A call without one, as a Deployment makes it, runs the controller: so the
 * first argument is a subcommand only if it is no flag. As kubectl's plugin, which is the same file
 * under another name, it never does: a person wants to look.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "pkg/base/compiler.h"

#define PLUGIN "kubectl-autoscaler_keda"

static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command {
	const char *name;
	const char *flag; /* that does the same; NULL: none */
	int (*run)(int argc, char **argv);
	const char *description;
} commands[] = {
    {"run", NULL, command_run, "run the controller (the default)"},
    {"render", NULL, command_render, "show the ScaledObject that manifests would get"},
    {"annotations", NULL, command_annotations, "print the reference of all annotations"},
    {"status", NULL, command_status, "list revisions: ready or why not, bounds, replicas"},
    {"why", NULL, command_why, "why a revision is not ready, and what to do next"},
    {"licenses", NULL, command_licenses, "print the licences of what is linked in"},
    {"version", "--version", command_version, "print the version"},
    {"help", "--help", command_help, "this text"},
};

static bool is_plugin(void)
{
	return strncmp(program_invocation_short_name, PLUGIN, strlen(PLUGIN)) == 0;
}

const char *command_program(void)
{
	return is_plugin() ? "kubectl autoscaler-keda" : PROGRAM;
}

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: %s %s [OPTION...]\n"
		"\n"
		"Lets KEDA scale Knative revisions of class hpa.autoscaling.knative.dev.\n"
		"\n"
		"Commands:\n",
		command_program(), is_plugin() ? "COMMAND" : "[COMMAND]");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!is_plugin() || commands[i].run != command_run)
			fprintf(out, "  %-11s  %s\n", commands[i].name, commands[i].description);
	fprintf(out, "\n%s COMMAND --help tells a command's options.\n", command_program());
}

static int command_help(int argc UNUSED, char **argv UNUSED)
{
	usage(stdout);
	return 0;
}

static int command_version(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, PROGRAM " %s: takes no arguments\n", argv[0]);
		return 2;
	}
	puts(PROGRAM " " AKH_VERSION);
	return 0;
}

bool command_print(const struct strbuf *out)
{
	if (fwrite(out->buf, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
		return true;
	perror("standard output");
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return is_plugin() ? command_help(argc, argv) : command_run(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		if (strcmp(argv[1], command->name) == 0 ||
		    (command->flag && strcmp(argv[1], command->flag) == 0))
			return command->run(argc - 1, argv + 1);
	}
	if (strcmp(argv[1], "-h") == 0)
		return command_help(argc, argv);
	if (argv[1][0] == '-' && !is_plugin())
		return command_run(argc, argv);
	fprintf(stderr, "%s: there is no command \"%s\"\n\n", command_program(), argv[1]);
	usage(stderr);
	return 2;
}
