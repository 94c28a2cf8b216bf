/*
 * For tests of Knative's stand-ins: Services as people send them, and what the controller, which is
 * not there, would say of a revision.
 */
#ifndef TEST_UNIT_KNATIVE_MODEL_FIXTURE_H
#define TEST_UNIT_KNATIVE_MODEL_FIXTURE_H

#include "test/unit/model_fixture.h"

#define SERVICES "/apis/serving.knative.dev/v1/namespaces/default/services"
#define REVISIONS "/apis/serving.knative.dev/v1/namespaces/default/revisions"
#define MERGE "application/merge-patch+json"
#define A "autoscaling.knative.dev/"
#define S "serving.knative.dev/"
#define DENIED                                                                                     \
	"admission webhook \\\"validation.webhook.serving.knative.dev\\\" denied the request: "    \
	"validation failed: "

UNUSED static char *service_text(const char *annotations, const char *meta)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_addf(
	    &out,
	    "{\"apiVersion\":\"serving.knative.dev/"
	    "v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
	    "\"x\"%s},\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"" A
	    "class\":\"hpa.autoscaling.knative.dev\"%s}},\"spec\":{\"containers\":[{\"image\":"
	    "\"i\"}]}}}}",
	    meta, annotations);
	return strbuf_take(&out);
}

UNUSED static int make_service(struct bench *b, const char *annotations, const char *meta,
			       char **body)
{
	char *text = service_text(annotations, meta);
	int status = ask(b, "POST", SERVICES, "application/json", text, body);
	free(text);
	return status;
}

UNUSED static int patch(struct bench *b, const char *path, const char *text, char **body)
{
	return ask(b, "PATCH", path, MERGE, text, body);
}

/* What the controller says of a revision: Ready (and Active) of its PodAutoscaler. */
UNUSED static void autoscaler_says(struct bench *b, const char *name, const char *ready,
				   const char *text, bool served, bool init)
{
	model_patchf(b->model, "podautoscalers", "default", name, true,
		     "{status: {serviceName: '%s', metricsServiceName: '', actualScale: 1, "
		     "desiredScale: 2, conditions: [{type: Ready, status: '%s', %s}, {type: "
		     "ScaleTargetInitialized, status: '%s'}]}}",
		     served ? name : "", ready, text, init ? "True" : "Unknown");
	run(b, 500);
}

UNUSED static void makes_ready(struct bench *b, const char *name)
{
	run(b, 1500);
	autoscaler_says(b, name, "True", "", true, true);
}

#endif
