/*
 * The 1st, 2nd, 3rd, ... allocation fails, each time in a child of its own: parsers, decoders, the
 * decision, stores and caches either do without it or abort saying so. Nothing else is an end: no
 * crash, no finding of a sanitizer, no wrong result.
 *
 * malloc itself is replaced, for the libraries too (libyaml, yajl); the sanitizers have one of
 * their own, there only our own calls fail (the linker's --wrap). A static libc allows no other
 * malloc, but there --wrap reaches the libraries.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/json/stream.h"
#include "pkg/kube/store.h"
#include "pkg/units/template.h"
#include "pkg/yaml/yaml.h"
#include "reconciler/hpa/render.h"
#include "test/lib/sweep.h"
#include "test/lib/test.h"

/* Allocations until one fails; 0: none does. */
static unsigned long countdown;

static bool fails(void)
{
	return countdown > 0 && --countdown == 0;
}

#ifdef TORTURE_WRAPS
#define HOOK(name) __wrap_##name
#define REAL(name) __real_##name
#else
#define HOOK(name) name
#define REAL(name) __libc_##name
#endif
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *old, size_t size);
void *HOOK(malloc)(size_t size);
void *HOOK(calloc)(size_t count, size_t size);
void *HOOK(realloc)(void *old, size_t size);

void *HOOK(malloc)(size_t size)
{
	return fails() ? NULL : REAL(malloc)(size);
}

void *HOOK(calloc)(size_t count, size_t size)
{
	return fails() ? NULL : REAL(calloc)(count, size);
}

void *HOOK(realloc)(void *old, size_t size)
{
	return fails() ? NULL : REAL(realloc)(old, size);
}

/* ---- one child ---- */

enum end { SURVIVED, NOT_REACHED, ABORTED, BROKEN };

#define DONE 0
#define DONE_WITHOUT 7 /* there were not so many */
#define WRONG 8

static void run_child(void (*act)(void), unsigned long n, int to)
{
	/* What it says is asked for; what the sanitizers say too. */
	dup2(to, STDERR_FILENO);
	countdown = n;
	act();
	bool reached = countdown == 0;
	countdown = 0;
	_exit(reached ? DONE : DONE_WITHOUT);
}

static void read_all(int from, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length + 1 < size && (got = read(from, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = 0;
}

static bool told_of_memory(const char *text)
{
	return strstr(text, "out of memory") || strstr(text, "YAML_MEMORY_ERROR") ||
	       strstr(text, "check failed: yaml_");
}

static enum end judge(int status, const char *text)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == DONE)
		return SURVIVED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == DONE_WITHOUT)
		return NOT_REACHED;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && told_of_memory(text))
		return ABORTED;
	return BROKEN;
}

static enum end torture_once(void (*act)(void), unsigned long n)
{
	int ends[2], status = 0;
	char text[4096];

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		run_child(act, n, ends[1]);
	close(ends[1]);
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	CHECK(waitpid(child, &status, 0) == child);
	enum end end = judge(status, text);
	if (end == BROKEN)
		EXPECT_TEXT(text, "");
	return end;
}

/* Each every-th allocation. */
static void torture(const char *name, void (*act)(void), unsigned long every)
{
	size_t survived = 0, aborted = 0;
	enum end end;

	for (unsigned long n = 1;; n += every) {
		test_row("%s, allocation %lu", name, n);
		end = torture_once(act, n);
		if (end == BROKEN)
			EXPECT(!"a clean end");
		if (end == NOT_REACHED || end == BROKEN)
			break;
		survived += end == SURVIVED;
		aborted += end == ABORTED;
	}
	test_row("%s", "");
	EXPECT(aborted > 0);
	printf("torture %s step=%lu aborted=%zu survived=%zu\n", name, every, aborted, survived);
}

static void wrong(const char *what)
{
	countdown = 0;
	fprintf(stderr, "wrong: %s\n", what);
	_exit(WRONG);
}

/* ---- parsers ---- */

#define PA                                                                                         \
	"{\"apiVersion\":\"autoscaling.internal.knative.dev/v1alpha1\",\"kind\":"                  \
	"\"PodAutoscaler\",\"metadata\":{\"name\":\"r\",\"namespace\":\"ns\",\"uid\":\"u\","       \
	"\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"},\"annotations\":{"                     \
	"\"autoscaling.knative.dev/class\":\"hpa.autoscaling.knative.dev\","                       \
	"\"autoscaling.knative.dev/metric\":\"m\",\"autoscaling.knative.dev/target\":\"5\","       \
	"\"autoscaling.knative.dev/prometheus-query\":\"q{{ .namespace }}\","                      \
	"\"autoscaling.knative.dev/keda-triggers\":\"- type: cron\\n  metadata: {start: "          \
	"x}\\n\"}},"                                                                               \
	"\"spec\":{\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","        \
	"\"name\":\"d\"},\"protocolType\":\"http1\"},\"status\":{\"conditions\":[{\"type\":"       \
	"\"Ready\",\"status\":\"True\"}]}}"

static void parse_json(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct json *v = NULL;

	if (!json_parse(PA, strlen(PA), NULL, arena, &v, &err))
		wrong(error_text(&err));
	json_write_pretty(json_copy(arena, v), &out);
	if (json_parse("{\"a\":[1,}", 9, NULL, arena, &v, &err))
		wrong("it was parsed");
}

static void parse_yaml(void)
{
	static const char text[] =
	    "# c\na: [1, 2.5, \"x\\u00e9\", ~]\nb: {c: |\n    text\n  , d: 'e'}\n";
	static const char good[] = "a: [1, 2.5, \"x\\u00e9\", ~]\nb:\n  c: |\n    text\n  d: 'e'\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct json *v = NULL;

	if (!yaml_parse(good, strlen(good), NULL, arena, &v, &err))
		wrong(error_text(&err));
	yaml_write(v, &out);
	if (yaml_parse(text, strlen(text), NULL, arena, &v, &err))
		wrong("it was parsed");
}

static bool count_value(void *ctx, const struct json *value UNUSED, struct error *err UNUSED)
{
	++*(int *)ctx;
	return true;
}

static void parse_stream(void)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	static const char line[] = "{\"type\":\"ADDED\",\"object\":" PA "}\n";
	int values = 0;
	struct json_stream *stream =
	    json_stream_new(&(struct json_stream_config){.mode = JSON_STREAM_VALUES,
							 .skip = "managedFields",
							 .deliver = count_value,
							 .ctx = &values});

	for (size_t i = 0; i < 2 * strlen(line); i++)
		if (!json_stream_feed(stream, line + i % strlen(line), 1, &err))
			wrong(error_text(&err));
	json_stream_free(stream);
	if (values != 2)
		wrong("not two values");
}

static void expand_template(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	static const struct template_variable variables[] = {{"a", "b"}, {NULL, NULL}};
	char *out = NULL;

	if (!template_expand("x{{ if .a }}{{ printf \"%s-\" .a }}{{ end }}", variables, arena, &out,
			     &err))
		wrong(error_text(&err));
	if (strcmp(out, "xb-") != 0)
		wrong(out);
}

/* ---- the product ---- */

static void render(void)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *v = NULL;
	struct rendered out;

	if (!json_parse(PA, strlen(PA), NULL, arena, &v, &err) ||
	    !render_manifest(v, &config_autoscaler_default, &config_keda_default, DESIRED_NOW,
			     arena, &out, &err))
		wrong(error_text(&err));
	if (!out.object || json_count(json_path(out.object, "spec", "triggers", NULL)) != 2)
		wrong("not two triggers");
}

/* ---- stores and the queue ---- */

static struct object *decoded(const char *name, uint64_t version)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *v = NULL;

	if (!json_parse(PA, strlen(PA), NULL, arena, &v, &err))
		wrong(error_text(&err));
	struct json *metadata = json_ensure_object(arena, v, "metadata");
	json_set_text(arena, metadata, "name", name);
	json_set(arena, metadata, "resourceVersion",
		 json_stringf(arena, "%llu", (unsigned long long)version));
	struct object *object = pod_autoscaler_decode(v, &err);
	if (!object)
		wrong(error_text(&err));
	return object;
}

static const char *by_target(const struct object *object)
{
	return ((const struct pod_autoscaler *)object)->target_name;
}

static void keep_in_store(void)
{
	struct store *store = store_new(&(struct store_config){.index = by_target});

	store_replace_begin(store);
	store_put(store, decoded("a", 1));
	store_put(store, decoded("b", 2));
	store_replace_end(store, 3);
	store_put(store, decoded("a", 4));
	store_put_answer(store, decoded("c", 5));
	store_delete(store, "ns", "b", 6);
	if (store_count(store) != 2 || store_get(store, "ns", "a")->meta.version != 4)
		wrong("the store");
	store_free(store);
}

/* ---- all together ---- */

static void live(void)
{
	struct world *world = world_new(NULL);

	scenario_play(scenario_find("fresh_custom"), world, false);
	if (world_breach(world)[0])
		wrong(world_breach(world));
	world_free(world);
}

/* Forks are slow under the sanitizers; TORTURE=all waits for them. */
static unsigned long step(unsigned long quick, unsigned long sanitized)
{
	if (getenv("TORTURE"))
		return 1;
	return SANITIZED ? sanitized : quick;
}

TEST(torture, parsers)
{
	torture("json", parse_json, step(1, 7));
	torture("yaml", parse_yaml, step(1, 7));
	torture("json-stream", parse_stream, step(1, 7));
	torture("template", expand_template, 1);
}

TEST(torture, product)
{
	torture("render", render, step(1, 7));
}

TEST(torture, store)
{
	torture("store", keep_in_store, step(1, 7));
}

TEST(torture, world)
{
	torture("world", live, step(7, 499));
}

TEST_MAIN(TEST_OF(torture, parsers), TEST_OF(torture, product), TEST_OF(torture, store),
	  TEST_OF(torture, world))
