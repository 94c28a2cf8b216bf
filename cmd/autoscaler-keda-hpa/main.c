/*
 * Chooses the subcommand. A call without one, as a Deployment makes it, runs the controller: so the
 * first argument is a subcommand only if it is no flag.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "pkg/base/compiler.h"

static int command_version(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, PROGRAM " %s: takes no arguments\n", argv[0]);
		return 2;
	}
	puts(PROGRAM " " AKH_VERSION);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *description;
} commands[] = {
    {"run", command_run, "run the controller (the default)"},
    {"render", command_render, "show the ScaledObject that manifests would get"},
    {"version", command_version, "print the version"},
};

static void usage(FILE *out)
{
	fputs("Usage: " PROGRAM " [COMMAND] [OPTION...]\n"
	      "\n"
	      "Lets KEDA scale Knative revisions of class hpa.autoscaling.knative.dev.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].description);
	fputs("\n" PROGRAM " COMMAND --help tells a command's options.\n", out);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return command_run(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0)
		return command_version(1, argv);
	if (argv[1][0] == '-')
		return command_run(argc, argv);
	fprintf(stderr, PROGRAM ": there is no command \"%s\"\n\n", argv[1]);
	usage(stderr);
	return 2;
}
