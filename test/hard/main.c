/*
 * confined: runs a program as the Deployment of config/ would. It stays the same process, so
 * signals and exit codes are the program's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/hard/confine.h"

static int usage(int code)
{
	fputs("usage: confined [--profile FILE] [--kill] [--uid UID] [--root DIR]\n"
	      "                [--writable] PROGRAM [ARGUMENT ...]\n"
	      "Runs a program without capabilities, without new privileges, on a read-only root.\n"
	      "  --profile FILE  under this seccomp profile\n"
	      "  --kill          a system call that the profile does not name ends the program\n"
	      "  --uid UID       as this user and group; 0: as root without capabilities (65532)\n"
	      "  --root DIR      with this folder as \"/\", where PROGRAM is looked for then\n"
	      "  --writable      leaves the root as it is\n"
	      "It needs to be started by root. Exit code 126: it cannot confine; 127: nor run.\n",
	      code ? stderr : stdout);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"profile", required_argument, NULL, 'p'},
	    {"kill", no_argument, NULL, 'k'},
	    {"uid", required_argument, NULL, 'u'},
	    {"writable", no_argument, NULL, 'w'},
	    {"root", required_argument, NULL, 'r'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct confinement how = {.uid = 65532};
	int letter;
	while ((letter = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (letter) {
		case 'p':
			how.profile = optarg;
			break;
		case 'k':
			how.instead = SCMP_ACT_KILL_PROCESS;
			break;
		case 'u':
			how.uid = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			how.root = optarg;
			break;
		case 'w':
			how.root_is_not_read_only = true;
			break;
		default:
			return usage(letter == 'h' ? 0 : 2);
		}
	}
	if (optind == argc)
		return usage(2);
	if (!confine(&how, &err)) {
		fprintf(stderr, "confined: %s\n", error_text(&err));
		return 126;
	}
	execvp(argv[optind], argv + optind);
	fprintf(stderr, "confined: %s: %s\n", argv[optind], strerror(errno));
	return 127;
}
