/* The commands that several reasons end with. */
#include <string.h>

#include "reconciler/explain/text.h"
#include "reconciler/explain/why.h"
#include "reconciler/hpa/annotations.h"

void why_kubectl(const struct why *why, const char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *command = arena_vprintf(why->out->arena, format, args);
	va_end(args);
	findings_step(why->out, text, "kubectl -n %s %s", why->ns, command);
}

void why_annotate(const struct why *why, const char *text, const char *change)
{
	why_kubectl(why, text, "annotate revision %s --overwrite " ANNOTATION_PREFIX "%s",
		    why->name, change);
}

void why_edit(const struct why *why, const char *text)
{
	const char *service = scene_service(why->scene);

	if (service[0])
		why_kubectl(why, text, "edit ksvc %s", text_shell(why->out->arena, service));
	else
		why_kubectl(why, text, "edit revision %s", why->name);
}

void why_logs(const struct why *why, const char *text)
{
	findings_step(why->out, text,
		      "kubectl -n %s logs deployment/autoscaler-keda-hpa | grep %s/%s",
		      why->scene->e->system_namespace, why->ns, why->name);
}

void why_pods(const struct why *why)
{
	why_kubectl(why,
		    "See what its pods wait for:", "get pods -l serving.knative.dev/revision=%s",
		    why->name);
	why_kubectl(why, "And what was told of them:", "describe revision %s", why->name);
}

void why_keda(const struct why *why, const char *text)
{
	findings_step(why->out, text, "kubectl get pods -A -l app=keda-operator");
}
