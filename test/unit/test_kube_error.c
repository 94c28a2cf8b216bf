/* What answers of the API server mean: the table of kinds, and whose words become the message. */
#include <string.h>

#include "pkg/kube/client.h"
#include "test/lib/test.h"

static void judge(int status, const char *body, struct error *err)
{
	struct http_response response = {.status = status, .body = body, .length = strlen(body)};
	kube_error_from_response(&response, err);
}

#define STATUS(reason, message)                                                                    \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message \
	"\",\"reason\":\"" reason "\"}"

struct row {
	int status;
	const char *body;
	enum error_kind kind;
	const char *message;
};

static const struct row rows[] = {
    {200, "{}", ERROR_NONE, ""},
    {201, "", ERROR_NONE, ""},
    {400, STATUS("BadRequest", "strict decoding error: unknown field"), ERROR_INVALID,
     "strict decoding error: unknown field"},
    {401, STATUS("Unauthorized", "Unauthorized"), ERROR_UNAUTHORIZED, "Unauthorized"},
    {401, "Unauthorized\n", ERROR_UNAUTHORIZED, "HTTP 401: Unauthorized"},
    {422, STATUS("Invalid", " \\n\\u001b\\u007f\\u0085"), ERROR_INVALID, "Invalid"},
    {422, STATUS("\\t", "\\u0000never read"), ERROR_INVALID, "HTTP 422"},
    {403,
     STATUS("Forbidden", "scaledobjects.keda.sh is forbidden: User \\\"u\\\" cannot create "
			 "resource \\\"scaledobjects\\\""),
     ERROR_FORBIDDEN, NULL},
    {403,
     STATUS("Forbidden", "admission webhook \\\"vscaledobject.kb.io\\\" denied the request: "
			 "no"),
     ERROR_DENIED, "admission webhook \"vscaledobject.kb.io\" denied the request: no"},
    {403, STATUS("Forbidden", "scaledobjects \\\"x\\\" is forbidden: exceeded quota: q, requested"),
     ERROR_DENIED, NULL},
    {403, STATUS("Forbidden", "pods \\\"x\\\" is forbidden: failed quota: q: must specify cpu"),
     ERROR_DENIED, NULL},
    {403,
     STATUS("Forbidden", "scaledobjects.keda.sh \\\"x\\\" is forbidden: "
			 "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"),
     ERROR_DENIED, NULL},
    {403,
     STATUS("Forbidden", "x is forbidden: unable to create new content in namespace ns "
			 "because it is being terminated"),
     ERROR_FORBIDDEN, NULL},
    {403,
     "{\"kind\":\"Status\",\"message\":\"exceeded quota: q\",\"details\":{\"causes\":["
     "{\"reason\":\"NamespaceTerminating\"}]}}",
     ERROR_FORBIDDEN, "exceeded quota: q"},
    {403, STATUS("Forbidden", "status unknown for quota: q"), ERROR_FORBIDDEN, NULL},
    {403, STATUS("Forbidden", "cannot mention admission webhook \\\"x\\\" denied the request"),
     ERROR_FORBIDDEN, NULL},
    {404, STATUS("NotFound", "scaledobjects.keda.sh \\\"x\\\" not found"), ERROR_NOT_FOUND, NULL},
    {404, "404 page not found\n", ERROR_NOT_FOUND, "HTTP 404: 404 page not found"},
    {404,
     STATUS("NotFound", "admission webhook \\\"vscaledobject.kb.io\\\" denied the request: "
			"Deployment.apps \\\"x\\\" not found"),
     ERROR_NOT_FOUND,
     "admission webhook \"vscaledobject.kb.io\" denied the request: Deployment.apps \"x\" not "
     "found"},
    {405, STATUS("MethodNotAllowed", "not allowed"), ERROR_INVALID, "not allowed"},
    {408, "", ERROR_TRANSIENT, "HTTP 408"},
    {409, STATUS("AlreadyExists", "exists"), ERROR_ALREADY_EXISTS, "exists"},
    {409, STATUS("Conflict", "modified"), ERROR_CONFLICT, "modified"},
    {409, "", ERROR_CONFLICT, "HTTP 409"},
    {410, STATUS("Expired", "too old"), ERROR_GONE, "too old"},
    {412, STATUS("Conflict", "uid"), ERROR_CONFLICT, "uid"},
    {413, STATUS("RequestEntityTooLarge", "too large"), ERROR_INVALID, "too large"},
    {415, "", ERROR_INVALID, "HTTP 415"},
    {422, STATUS("Invalid", "spec.x: Required value"), ERROR_INVALID, "spec.x: Required value"},
    {422,
     STATUS("Invalid", " \\\"\\\" is invalid: patch: Invalid value: \\\"{\\\\\\\"a\\\\\\\":1}\\\": "
		       "strict decoding error: unknown field \\\"spec.x\\\""),
     ERROR_INVALID, "strict decoding error: unknown field \"spec.x\""},
    {422,
     STATUS("Invalid", " \\\"\\\" is invalid: patch: Invalid value: \\\"{\\\": strict decoding "
		       "error: not this}\\\": strict decoding error: this"),
     ERROR_INVALID, "strict decoding error: this"},
    {422, STATUS("Invalid", " \\\"\\\" is invalid: patch: Invalid value: \\\"{}\\\": what else"),
     ERROR_INVALID, " \"\" is invalid: patch: Invalid value: \"{}\": what else"},
    {429, STATUS("TooManyRequests", "slow down"), ERROR_THROTTLED, "slow down"},
    {429, "Too many requests, please try again later.\n", ERROR_THROTTLED,
     "HTTP 429: Too many requests, please try again later."},
    {500, STATUS("InternalError", "failed calling webhook"), ERROR_TRANSIENT,
     "failed calling webhook"},
    {500, STATUS("Expired", "too old"), ERROR_GONE, "too old"},
    {502, "<html><body>Bad Gateway</body></html>", ERROR_TRANSIENT, "HTTP 502"},
    {503, "", ERROR_TRANSIENT, "HTTP 503"},
    {504, STATUS("Timeout", "Timeout: Too large resource version"), ERROR_TRANSIENT, NULL},
    {302, "", ERROR_TRANSIENT, "HTTP 302"},
    {599, "{\"kind\":\"Status\"}", ERROR_TRANSIENT, "HTTP 599"},
    /* Whose words. */
    {422,
     "{\"kind\":\"Status\",\"details\":{\"causes\":[{\"field\":\"spec.a\",\"message\":\"bad\"},"
     "{\"message\":\"worse\"},7]}}",
     ERROR_INVALID, "spec.a: bad; worse; "},
    {422,
     "{\"kind\":\"Status\",\"message\":\"whole\",\"details\":{\"causes\":[{\"message\":\"x\"}]}}",
     ERROR_INVALID, "whole"},
    {422, "{\"kind\":\"Status\",\"reason\":\"Invalid\"}", ERROR_INVALID, "Invalid"},
    {422, "{\"kind\":\"Other\",\"message\":\"not mine\"}", ERROR_INVALID, "HTTP 422"},
    {422, "{\"kind\":\"Status\",\"message\":7,\"details\":[]}", ERROR_INVALID, "HTTP 422"},
    {500, "{\"kind\":\"Status\",", ERROR_TRANSIENT, "HTTP 500"},
    {500, "[[[[", ERROR_TRANSIENT, "HTTP 500: [[[["},
    {500, "caf\xc3\xa9", ERROR_TRANSIENT, "HTTP 500"},
    {500, "\x1b[31m", ERROR_TRANSIENT, "HTTP 500"},
    {500, "\n second", ERROR_TRANSIENT, "HTTP 500"},
};

TEST(kube_error, kinds_and_messages)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		test_row("%d %s", rows[i].status, rows[i].body);
		judge(rows[i].status, rows[i].body, &err);
		EXPECT_INT(err.kind, rows[i].kind);
		if (rows[i].message)
			EXPECT_TEXT(error_text(&err), rows[i].message);
		if (rows[i].kind != ERROR_NONE && rows[i].kind != ERROR_GONE)
			EXPECT_INT(err.status, rows[i].status);
	}
	test_row("%s", "");
}

TEST(kube_error, forgets_an_older_one)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	judge(503, "", &err);
	EXPECT_INT(err.kind, ERROR_TRANSIENT);
	judge(200, "", &err);
	EXPECT_INT(err.kind, ERROR_NONE);
	EXPECT_TEXT(error_text(&err), "");
}

TEST(kube_error, retry_after_by_header_or_details)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *body = "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":3}}";
	struct http_response response = {.status = 504, .body = body, .length = strlen(body)};
	kube_error_from_response(&response, &err);
	EXPECT_INT(err.retry_after_ms, 3000);
	response.retry_after_ms = 7000;
	kube_error_from_response(&response, &err);
	EXPECT_INT(err.retry_after_ms, 7000);
	judge(504, "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":-3}}", &err);
	EXPECT_INT(err.retry_after_ms, 0);
	judge(504, "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":99999999999}}", &err);
	EXPECT_INT(err.retry_after_ms, 3600000);
}

TEST(kube_error, cuts_a_long_message_on_a_character)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
	strbuf_addstr(&body, "{\"kind\":\"Status\",\"message\":\"x");
	for (int i = 0; i < 3000; i++)
		strbuf_addstr(&body, "\xc3\xa9");
	strbuf_addstr(&body, "\"}");
	judge(422, body.buf, &err);
	EXPECT_INT(strlen(error_text(&err)), 4095);
}

TEST(kube_error, of_a_watch_event)
{
	static const struct {
		const char *status;
		enum error_kind kind;
		const char *message;
	} events[] = {
	    {"{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}",
	     ERROR_GONE, "too old"},
	    {"{\"kind\":\"Status\",\"code\":410}", ERROR_GONE, "error 410"},
	    {"{\"kind\":\"Status\",\"code\":500,\"message\":\"oops\"}", ERROR_TRANSIENT, "oops"},
	    {"{}", ERROR_TRANSIENT, "error 0"},
	    {"{\"code\":-1}", ERROR_TRANSIENT, "error -1"},
	    {"{\"code\":200}", ERROR_TRANSIENT, "error 200"},
	    {"{\"code\":\"410\"}", ERROR_TRANSIENT, "error 0"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		struct json *status = NULL;
		test_row("%s", events[i].status);
		EXPECT(json_parse(events[i].status, strlen(events[i].status), NULL, arena, &status,
				  &err));
		kube_error_from_status(status, &err);
		EXPECT_INT(err.kind, events[i].kind);
		EXPECT_TEXT(error_text(&err), events[i].message);
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(kube_error, kinds_and_messages), TEST_OF(kube_error, forgets_an_older_one),
	  TEST_OF(kube_error, retry_after_by_header_or_details),
	  TEST_OF(kube_error, cuts_a_long_message_on_a_character),
	  TEST_OF(kube_error, of_a_watch_event))
