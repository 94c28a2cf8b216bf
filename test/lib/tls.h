/*
 * TLS for tests: a temporary folder with certificates made by the openssl program, and servers
 * as child processes in it (openssl s_server, nghttpd) that die with the test.
 *
 *   ca.crt       signed server, other and client
 *   stranger.crt signed nothing
 *   server.crt   for 127.0.0.1, localhost, api.test    other.crt  for other.test
 *   client.crt   for client authentication             X.key      the key of each
 */
#ifndef TEST_LIB_TLS_H
#define TEST_LIB_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_folder {
	char path[64];
	char *names[16]; /* tls_path's, in turn */
	unsigned next;
};

void tls_folder_init(struct tls_folder *folder); /* the program ends if it can't be made */
void tls_folder_release(struct tls_folder *folder);
const char *tls_path(struct tls_folder *folder, const char *name); /* good for 15 more calls */

struct child {
	pid_t pid;
	uint16_t port;
};

/* Runs command (words separated by blanks; PORT stands for a free port) in the folder, output to
 * NAME.log there, and waits until the port answers. False if the program is missing. */
bool child_start(struct child *child, struct tls_folder *folder, const char *name,
		 const char *command);
void child_signal(const struct child *child, int number);
void child_stop(struct child *child); /* killed and waited for; fine if never started */

#endif
