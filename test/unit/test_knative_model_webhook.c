/*
 * The stand-in for Knative's webhook: defaults and refusals, with the texts that Knative 1.23 gave
 * on a real control plane.
 */
#include "test/unit/knative_model_fixture.h"

TEST(webhook, sets_defaults)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	EXPECT_INT(make_service(&b, "", "", &body), 201);
	EXPECT_CONTAINS(body, "\"traffic\":[{\"latestRevision\":true,\"percent\":100}]");
	EXPECT_CONTAINS(body, "\"name\":\"user-container\"");
	EXPECT_CONTAINS(body, "\"tcpSocket\":{\"port\":0}");
	EXPECT_CONTAINS(body, "\"timeoutSeconds\":300");
	EXPECT_CONTAINS(body, "\"" S "lastModifier\":\"admin\"");
	free(body);
	bench_release(&b);
}

TEST(webhook, refuses_as_the_real_one)
{
	static const struct {
		const char *annotations, *text;
	} rows[] = {
	    {"min-scale\":\"x", "invalid value: x: @min-scale"},
	    {"minScale\":\"x", "invalid value: x: @minScale"},
	    {"min-scale\":\"-1", "expected 0 <= -1 <= 2147483647: @min-scale"},
	    {"min-scale\":\"99999999999", "expected 0 <= 99999999999 <= 2147483647: @min-scale"},
	    {"min-scale\":\"9\",\"" A "max-scale\":\"3",
	     "max-scale=3 is less than min-scale=9: @max-scale, @min-scale"},
	    {"target\":\"0.001", "target 0.001 should be at least 0.01: @target"},
	    {"target\":\"x", "invalid value: x: @target"},
	    {"window\":\"5s", "expected 6s <= 5s <= 1h0m0s: @window"},
	    {"window\":\"x", "invalid value: x: @window"},
	    {"window\":\"6.5s", "must be specified with at most second precision: @window"},
	    {"initial-scale\":\"0", "invalid value: 0: @initial-scale=0 not allowed by cluster"},
	    {"initial-scale\":\"-1", "invalid value: -1: @initial-scale must be greater than 0"},
	    {"initial-scale\":\"x", "invalid value: x: @initial-scale"},
	    {"metric\":\"", "invalid value: : @metric"},
	    {"class\":\"foo.knative.dev", "invalid value: foo.knative.dev: @class"},
	    {"class\":\"kpa.autoscaling.knative.dev\",\"" A "metric\":\"cpu",
	     "invalid value: cpu: @metric"},
	    {"min-scale\":\"x\",\"" A "target\":\"y",
	     "invalid value: x: @min-scale\\ninvalid value: y: @target"},
	};
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	run(&b, 100);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
		char *body;
		test_row("%s", rows[i].annotations);
		strbuf_addf(&text,
			    "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"" A
			    "%s\"}}}}}",
			    rows[i].annotations);
		EXPECT_INT(patch(&b, SERVICES "/x", text.buf, &body), 400);
		strbuf_addstr(&want, DENIED);
		for (const char *at = rows[i].text; *at; at++)
			strbuf_addf(&want, *at == '@' ? "%s" : "%.1s",
				    *at == '@' ? "spec.template.metadata.annotations." A : at);
		strbuf_addstr(&want, "\",");
		EXPECT_CONTAINS(body, want.buf);
		free(body);
		/* The same on the Revision itself. */
		strbuf_reset(&text);
		strbuf_addf(&text, "{\"metadata\":{\"annotations\":{\"" A "%s\"}}}",
			    rows[i].annotations);
		EXPECT_INT(patch(&b, REVISIONS "/x-00001", text.buf, &body), 400);
		EXPECT_CONTAINS(body, ": metadata.annotations." A);
		free(body);
		strbuf_release(&text);
		strbuf_release(&want);
	}
	EXPECT_INT(model_count(b.model, "revisions"), 1);
	bench_release(&b);
}

/* What would trip the stand-ins is refused, or does no harm. */
TEST(webhook, hostile_services)
{
	static const struct {
		const char *meta;
		int status;
		const char *text;
	} rows[] = {
	    {",\"labels\":7", 400,
	     "Service in version \\\"v1\\\" cannot be handled as a Service: json: cannot unmarshal "
	     "number into Go struct field ObjectMeta.metadata.labels of type map[string]string"},
	    {",\"annotations\":{\"a\":5}", 400, "ObjectMeta.metadata.annotations of type string"},
	    {",\"finalizers\":[{}]", 400, "unmarshal object into Go struct field"},
	    {",\"ownerReferences\":[{\"uid\":5}]", 400, "v1.OwnerReference"},
	    {",\"labels\":null,\"annotations\":null,\"ownerReferences\":null", 201, "\"uid\":"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		char *body;
		test_row("%s", rows[i].meta);
		bench_init(&b, NULL, 0);
		EXPECT_INT(make_service(&b, "", rows[i].meta, &body), rows[i].status);
		EXPECT_CONTAINS(body, rows[i].text);
		run(&b, 2000);
		EXPECT_INT(model_count(b.model, "revisions"), rows[i].status == 201);
		free(body);
		bench_release(&b);
	}
}

TEST(webhook, names)
{
	static const struct {
		const char *name;
		int status;
		const char *text;
	} rows[] = {
	    {"x", 201, "\"uid\":"},
	    {"Upper", 422, "a lowercase RFC 1123 subdomain"},
	    {"-x", 422, "a lowercase RFC 1123 subdomain"},
	    {"a..b", 422, "a lowercase RFC 1123 subdomain"},
	    {"a.b", 400, "invalid value: not a DNS 1035 label: [a DNS-1035 label must"},
	    {"5x", 400, "not a DNS 1035 label: [a DNS-1035 label must"},
	    {"x23456789012345678901234567890123456789012345678901234567890123x", 400,
	     "not a DNS 1035 label: [must be no more than 63 characters]: metadata.name"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		char *body, text[400];
		test_row("%s", rows[i].name);
		bench_init(&b, NULL, 0);
		snprintf(
		    text, sizeof(text),
		    "{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"metadata\":{"
		    "\"name\":\"%s\"},\"spec\":{\"template\":{\"spec\":{\"containers\":[{"
		    "\"image\":\"i\"}]}}}}",
		    rows[i].name);
		EXPECT_INT(ask(&b, "POST", SERVICES, "application/json", text, &body),
			   rows[i].status);
		EXPECT_CONTAINS(body, rows[i].text);
		free(body);
		bench_release(&b);
	}
}

TEST(webhook, a_revision_of_its_own_name)
{
	struct bench b;
	char *body;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	EXPECT_INT(patch(&b, SERVICES "/x",
			 "{\"spec\":{\"template\":{\"metadata\":{\"name\":\"y-two\"}}}}", &body),
		   400);
	EXPECT_CONTAINS(body, "invalid value: \\\"y-two\\\" must have prefix \\\"x-\\\": "
			      "spec.template.metadata.name");
	free(body);
	EXPECT_INT(patch(&b, SERVICES "/x",
			 "{\"spec\":{\"template\":{\"metadata\":{\"name\":\"x-two\"}}}}", NULL),
		   200);
	makes_ready(&b, "x-two");
	EXPECT_TEXT(text_at(&b, "services.serving", "x", "status", "latestReadyRevisionName"),
		    "x-two");
	bench_release(&b);
}

TEST(webhook, refuses_what_does_nothing_or_cannot_be)
{
	static const struct {
		const char *path, *patch, *text;
	} rows[] = {
	    {SERVICES "/x", "{\"metadata\":{\"annotations\":{\"" A "foo\":\"1\"}}}",
	     "invalid key name \\\"" A "foo\\\": metadata.annotations\\nautoscaling annotations "
	     "must be put under \\\"spec.template.metadata.annotations\\\" to work"},
	    {SERVICES "/x", "{\"spec\":{\"template\":{\"spec\":{\"containers\":[]}}}}",
	     "missing field(s): spec.template.spec.containers"},
	    {REVISIONS "/x-00001", "{\"spec\":{\"timeoutSeconds\":17}}",
	     "Immutable fields changed (-old +new): spec"},
	};
	struct bench b;
	bench_init(&b, NULL, 0);
	make_service(&b, "", "", NULL);
	run(&b, 100);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *body;
		test_row("%s", rows[i].patch);
		EXPECT_INT(patch(&b, rows[i].path, rows[i].patch, &body), 400);
		EXPECT_CONTAINS(body, rows[i].text);
		free(body);
	}
	/* Unknown ones in the right place pass. */
	EXPECT_INT(patch(&b, SERVICES "/x",
			 "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"" A
			 "foo\":\"1\"}}}}}",
			 NULL),
		   200);
	bench_release(&b);
}

TEST_MAIN(TEST_OF(webhook, sets_defaults), TEST_OF(webhook, refuses_as_the_real_one),
	  TEST_OF(webhook, hostile_services), TEST_OF(webhook, names),
	  TEST_OF(webhook, a_revision_of_its_own_name),
	  TEST_OF(webhook, refuses_what_does_nothing_or_cannot_be))
