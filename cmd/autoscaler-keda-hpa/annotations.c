/*
 * annotations: the reference of all annotations, for people or for tools. docs/annotations.md is
 * what it prints.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "reconciler/hpa/reference.h"

enum { EXIT_PRINTED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int usage(FILE *to, int code)
{
	fputs("Usage: " PROGRAM " annotations [-o markdown|json]\n"
	      "\n"
	      "Prints the reference of all annotations.\n"
	      "\n"
	      "  -o, --output FORMAT   markdown (default) or json\n"
	      "  -h, --help            this text\n",
	      to);
	return code;
}

static int print(bool json)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (json)
		reference_json(&out);
	else
		reference_markdown(&out);
	return command_print(&out) ? EXIT_PRINTED : EXIT_FAILED;
}

int command_annotations(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (option == 'h')
			return usage(stdout, EXIT_PRINTED);
		json = option == 'o' && strcmp(optarg, "json") == 0;
		if (option == 'o' && (json || strcmp(optarg, "markdown") == 0))
			continue;
		if (option == 'o')
			fprintf(stderr,
				"annotations: output format \"%s\" is neither markdown nor json\n",
				optarg);
		return usage(stderr, EXIT_USAGE);
	}
	if (optind == argc)
		return print(json);
	fprintf(stderr, "annotations: takes no arguments\n");
	return usage(stderr, EXIT_USAGE);
}
