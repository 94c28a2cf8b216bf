/* Names of an API resource: what paths, ownerReferences and messages are made of. */
#ifndef KUBE_RESOURCE_H
#define KUBE_RESOURCE_H

#include "pkg/base/strbuf.h"

struct kube_resource {
	const char *group; /* "" is core */
	const char *version;
	const char *plural;
	const char *kind;
};

/* "/apis/keda.sh/v1alpha1/namespaces/NS/scaledobjects/NAME"; ns NULL or "" and name NULL are left
 * out. Segments are percent-escaped. */
void kube_resource_path(const struct kube_resource *resource, const char *ns, const char *name,
			const char *subresource, struct strbuf *out);
/* "keda.sh/v1alpha1", or "v1". Written to out. */
void kube_resource_api_version(const struct kube_resource *resource, struct strbuf *out);
/* Percent-escapes all but letters, digits and "-._~" (RFC 3986): for path segments and values in
 * a query. Added to out. */
void kube_escape(const char *text, struct strbuf *out);

#endif
