/*
 * What the commands for people (`status`, `why`) share: their options, which are kubectl's, and a
 * connection made with a person's kubeconfig. Both only ever read. Requests are driven by hand
 * (people_read), so that a command reads top to bottom.
 */
#ifndef CMD_PEOPLE_H
#define CMD_PEOPLE_H

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "pkg/kube/client.h"
#include "pkg/kube/config.h"
#include "reconciler/explain/evidence.h"

enum { EXIT_ANSWERED = 0, EXIT_FAILED = 1, EXIT_WRONG_USE = 2 };

enum people_output { OUTPUT_TEXT, OUTPUT_WIDE, OUTPUT_JSON };

/* Texts are argv's. */
struct people_options {
	struct kube_config_request config;
	const char *ns; /* --namespace; NULL: the context's */
	const char *name;
	bool all_namespaces, watch, help;
	enum people_output output;
	int64_t timeout_ms; /* of one request; 0: none */
};

struct people {
	const struct people_options *options;
	struct arena *arena;
	struct loop *loop;
	struct transport *transport;
	struct kube_client *client;
	const char *ns;     /* NULL: all */
	const char *server; /* for messages */
	const char *system_namespace;
};

/* For usage texts: the options that both commands have. */
extern const char people_usage[];
/* many: of a command that can list (-A, -w, -o wide). False: wrong use, err says what. */
MUST_CHECK bool people_options_read(int argc, char **argv, bool many, struct people_options *out,
				    struct error *err);

/* False with err set: no usable kubeconfig. */
MUST_CHECK bool people_init(struct people *people, const struct people_options *options,
			    struct error *err);
void people_release(struct people *people);
int64_t people_now_ms(const struct people *people); /* the server's wall time */

/* One list to be read, page by page. */
struct people_list {
	const struct kube_resource *resource;
	const char *ns;             /* NULL: all */
	const char *field_selector; /* NULL: none */
	/* Each item, borrowed. Called with ctx; begin before the first one, again if the list had
	 * to begin anew. NULL: items. */
	void (*begin)(void *ctx);
	void (*take)(void *ctx, const struct json *item);
	void *ctx;
	struct json *items; /* array in the people's arena, if there is no take */
	/* How it ended: ERROR_NONE; ERROR_NOT_FOUND: the API server does not know the resource. */
	struct error err;
};

/* Reads them all, at the same time. */
void people_read(struct people *people, struct people_list *lists, size_t count);
void people_lists_release(struct people_list *lists, size_t count);
/* As kubectl says it: "Error from server (Forbidden): ...", or with the server's address where no
 * answer came. To standard error. */
void people_complain(const struct people *people, const struct error *err);
/* May the command go on without it? (RBAC, or there is no such API.) */
bool people_may_miss(const struct error *err);

#endif
