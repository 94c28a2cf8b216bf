/*
 * The whole exposition of a controller that looks after a thousand revisions (fewer under the
 * sanitizers, which make the world slow), held ones and refused ones: promtool has nothing to say,
 * every family is there, sums fit.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "reconciler/controller/meters_requests.h"
#include "test/lib/test.h"
#include "test/lib/world.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#define REVISIONS (SANITIZED ? 200 : 1000)
#define REFUSED 50
#define CONFIG(data)                                                                               \
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-autoscaler-keda, namespace: "    \
	"knative-serving}\ndata: {" data "}\n"
#define TARGET "metric=custom\nprometheus-query=sum(x)\ntarget=5\nmin-scale=1"

struct scene {
	struct metrics *metrics;
	struct request_meters *requests;
	struct world *world;
	struct strbuf text; /* the exposition */
};

static void make_revisions(struct model *model)
{
	char name[32];

	for (int i = 0; i < REVISIONS; i++) {
		snprintf(name, sizeof(name), "many-%05d", i);
		model_revision(model, "default", name, i < REFUSED ? "target=much" : TARGET);
	}
}

static void begin(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->text = (struct strbuf)STRBUF_INIT;
	scene->metrics = metrics_new();
	scene->requests = request_meters_new(scene->metrics, "https://10.0.0.1:443");
	scene->world = world_new(&(struct world_config){.metrics = scene->metrics});
	metrics_process(scene->metrics);
	request_meters_finished(scene->requests, "GET", 200, 5);
	world_start(scene->world);
	world_run(scene->world, 1000);
	model_apply(world_model(scene->world), CONFIG("autoscaler.keda.cooldown-period: never"));
	world_run(scene->world, 1000);
	model_apply(world_model(scene->world),
		    CONFIG("autoscaler.keda.metrics-controller-runtime: \"true\""));
	make_revisions(world_model(scene->world));
	world_run(scene->world, 60000);
	metrics_write(scene->metrics, &scene->text);
}

static void end(struct scene *scene)
{
	world_free(scene->world);
	request_meters_free(scene->requests);
	metrics_free(scene->metrics);
	strbuf_release(&scene->text);
}

static size_t count_lines(const char *text, const char *beginning)
{
	CLEANUP(strbuf_release) struct strbuf part = STRBUF_INIT;
	size_t count = 0;

	strbuf_addf(&part, "\n%s", beginning);
	while ((text = strstr(text, part.buf))) {
		text += part.len;
		count++;
	}
	return count;
}

/* Of all samples that begin so. */
static double sum(const char *text, const char *beginning)
{
	CLEANUP(strbuf_release) struct strbuf part = STRBUF_INIT;
	double total = 0;

	strbuf_addf(&part, "\n%s", beginning);
	while ((text = strstr(text, part.buf))) {
		const char *line_end = strchr(text + 1, '\n'), *value = line_end;

		while (*value != ' ')
			value--;
		total += strtod(value, NULL);
		text = line_end;
	}
	return total;
}

/* It has nothing to say but that Knative's own name for a gauge sounds like a histogram's. */
static void expect_promtool_agrees(const struct strbuf *text)
{
	static const char known[] = "kn_revision_pods_count non-histogram and non-summary metrics "
				    "should not have \"_count\" suffix\n";
	char path[] = "/tmp/exposition-XXXXXX", command[128], said[4096];
	FILE *promtool;
	int fd;

	if (access("/usr/bin/promtool", X_OK) != 0) {
		puts("no promtool: skipped");
		return;
	}
	fd = mkstemp(path);
	CHECK(fd >= 0 && write(fd, text->buf, text->len) == (ssize_t)text->len);
	close(fd);
	snprintf(command, sizeof(command), "/usr/bin/promtool check metrics <%s 2>&1", path);
	promtool = popen(command, "r");
	CHECK(promtool);
	said[fread(said, 1, sizeof(said) - 1, promtool)] = '\0';
	pclose(promtool);
	unlink(path);
	EXPECT_TEXT(said, known);
}

/* Names in the first column of the description. */
static void expect_every_family(const struct scene *scene)
{
	/* Nothing was dropped, and nobody is elected here. */
	static const char absent[] = " kn_dropped_series_total leader_election_master_status "
				     "autoscaler_keda_hpa_leader_changes_total ";
	CLEANUP(strbuf_release) struct strbuf description = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf head = STRBUF_INIT;
	size_t families = 0;

	metrics_describe(scene->metrics, &description);
	for (const char *at = description.buf; (at = strstr(at, "\n| `")); at++) {
		int length = (int)strcspn(at + 4, "`");

		families++;
		strbuf_reset(&head);
		strbuf_addf(&head, " %.*s ", length, at + 4);
		if (strstr(absent, head.buf))
			continue;
		strbuf_reset(&head);
		strbuf_addf(&head, "# TYPE %.*s ", length, at + 4);
		EXPECT_CONTAINS(scene->text.buf, head.buf);
	}
	EXPECT(families > 50);
}

TEST(metrics, of_a_thousand_revisions)
{
	struct scene scene;
	const char *text;

	begin(&scene);
	text = scene.text.buf;
	expect_promtool_agrees(&scene.text);
	expect_every_family(&scene);
	EXPECT_INT(sum(text, "autoscaler_keda_hpa_revisions{"), REVISIONS);
	EXPECT_INT(sum(text, "autoscaler_keda_hpa_revisions{ready=\"True\""), REVISIONS - REFUSED);
	EXPECT_INT(sum(text, "autoscaler_keda_hpa_revision_ready{"), REVISIONS - REFUSED);
	EXPECT_INT(count_lines(text, "autoscaler_keda_hpa_revision_ready{"), REVISIONS);
	EXPECT_INT(count_lines(text, "autoscaler_keda_hpa_revision_unready_reason{"), REFUSED);
	EXPECT_INT(
	    count_lines(text, "autoscaler_keda_hpa_revision_last_refusal_timestamp_seconds{"),
	    REFUSED);
	EXPECT_INT(count_lines(text, "autoscaler_keda_hpa_revision_held_until_timestamp_seconds{"),
		   REVISIONS - REFUSED);
	EXPECT_INT(count_lines(text, "kn_revision_pods_desired{"), REVISIONS - REFUSED);
	EXPECT_INT(sum(text, "kn_revision_pods_count{"), REVISIONS - REFUSED);
	EXPECT_INT(sum(text, "autoscaler_keda_hpa_revision_min_replicas{"), REVISIONS - REFUSED);
	EXPECT_INT(count_lines(text, "autoscaler_keda_hpa_revision_max_replicas{"),
		   REVISIONS - REFUSED);
	/* docs/operations.md, "How many series" */
	EXPECT_INT(count_lines(text, "kn_revision_") +
		       count_lines(text, "autoscaler_keda_hpa_revision_"),
		   5 * (REVISIONS - REFUSED) + REFUSED + 2 * REFUSED + (REVISIONS - REFUSED));
	if (getenv("METRICS_TEXT"))
		puts(scene.text.buf);
	end(&scene);
}

TEST_MAIN(TEST_OF(metrics, of_a_thousand_revisions))
