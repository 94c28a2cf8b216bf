/*
 * scaler-server: the scaler on a free port of 127.0.0.1, with one activator that says what stdin
 * tells it to (test/e2e/scaler). It prints the port, then obeys a line at a time, and ends with
 * stdin:
 *
 * - set NAMESPACE REVISION QUEUED COMPLETED: so much from the next page on
 * - mute, speak: no pages, and again
 * - stop: as the program does at SIGTERM
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/net/loop.h"
#include "reconciler/http/scaler.h"

#define PAGE_MS 150
#define SET_MAX 16
#define ACTIVATOR "127.0.0.1"

struct set {
	char ns[64], revision[254];
	double queued, completed;
};

struct bench {
	struct loop *loop;
	struct readings *readings;
	struct scaler *scaler;
	struct grpc_server *server;
	struct timer page;
	struct set sets[SET_MAX];
	size_t set_count;
	bool mute;
	char line[1024];
	size_t length;
};

static void tell_page(void *ctx)
{
	struct bench *bench = ctx;
	int64_t now = timers_now(loop_timers(bench->loop));
	timer_arm(loop_timers(bench->loop), &bench->page, PAGE_MS);
	if (bench->mute || !scaler_needed(bench->scaler))
		return;
	readings_begin(bench->readings, ACTIVATOR, READINGS_ALL, now);
	for (size_t i = 0; i < bench->set_count; i++) {
		const struct set *set = &bench->sets[i];
		readings_sample(bench->readings, ACTIVATOR, set->ns, set->revision, READING_QUEUED,
				set->queued);
		readings_sample(bench->readings, ACTIVATOR, set->ns, set->revision,
				READING_COMPLETED, set->completed);
	}
	readings_end(bench->readings, ACTIVATOR, now);
}

static const char *why_unread(void *ctx)
{
	return ((struct bench *)ctx)->mute ? "the activators are mute" : NULL;
}

static void take(struct bench *bench, const struct set *set)
{
	for (size_t i = 0; i < bench->set_count; i++)
		if (strcmp(bench->sets[i].ns, set->ns) == 0 &&
		    strcmp(bench->sets[i].revision, set->revision) == 0) {
			bench->sets[i] = *set;
			return;
		}
	CHECK(bench->set_count < SET_MAX);
	bench->sets[bench->set_count++] = *set;
}

static void obey(struct bench *bench, const char *line)
{
	struct set set;
	if (sscanf(line, "set %63s %253s %lf %lf", set.ns, set.revision, &set.queued,
		   &set.completed) == 4) {
		take(bench, &set);
	} else if (strcmp(line, "mute") == 0 || strcmp(line, "speak") == 0) {
		bench->mute = *line == 'm';
	} else if (strcmp(line, "stop") == 0) {
		scaler_stop(bench->scaler);
		grpc_server_stop(bench->server);
	} else {
		fprintf(stderr, "scaler-server: what is \"%s\"?\n", line);
		exit(2);
	}
}

static void hear(void *ctx)
{
	struct bench *bench = ctx;
	ssize_t got = read(STDIN_FILENO, bench->line + bench->length,
			   sizeof(bench->line) - bench->length - 1);
	if (got <= 0) {
		loop_stop(bench->loop);
		return;
	}
	bench->length += (size_t)got;
	bench->line[bench->length] = 0;
	for (char *end; (end = strchr(bench->line, '\n'));) {
		*end = 0;
		obey(bench, bench->line);
		bench->length -= (size_t)(end + 1 - bench->line);
		memmove(bench->line, end + 1, bench->length + 1);
	}
}

int main(void)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct bench bench = {.loop = loop_new(&system_clock), .readings = readings_new()};
	struct grpc_server_config config = {.loop = bench.loop, .address = "127.0.0.1"};
	bench.scaler = scaler_new(&(struct scaler_config){
	    .timers = loop_timers(bench.loop),
	    .readings = bench.readings,
	    .unread = why_unread,
	    .ctx = &bench,
	});
	config.methods = scaler_methods(&config.method_count);
	config.ctx = bench.scaler;
	if (!grpc_server_new(&config, &bench.server, &err)) {
		fprintf(stderr, "scaler-server: %s\n", error_text(&err));
		return 1;
	}
	printf("%d\n", grpc_server_port(bench.server));
	fflush(stdout);
	timer_init(&bench.page, tell_page, &bench);
	tell_page(&bench);
	loop_add_fd(bench.loop, STDIN_FILENO, hear, &bench);
	loop_run(bench.loop);
	loop_remove_fd(bench.loop, STDIN_FILENO);
	timer_disarm(loop_timers(bench.loop), &bench.page);
	grpc_server_free(bench.server);
	scaler_free(bench.scaler);
	readings_free(bench.readings);
	loop_free(bench.loop);
	return 0;
}
