/*
 * Paths and names of API resources, and the queries of lists and watches. Only RFC 3986's
 * unreserved characters stand unescaped, so no name can leave its segment or its parameter.
 */
#include "pkg/kube/resource.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/kube/internal.h"

void kube_escape(const char *text, struct strbuf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	for (const char *p = text; *p; p++) {
		if (strchr(plain, *p))
			strbuf_addch(out, *p);
		else
			strbuf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

static void add_segment(struct strbuf *out, const char *segment)
{
	strbuf_addch(out, '/');
	kube_escape(segment, out);
}

void kube_resource_path(const struct kube_resource *resource, const char *ns, const char *name,
			const char *subresource, struct strbuf *out)
{
	if (resource->group[0]) {
		strbuf_addstr(out, "/apis");
		add_segment(out, resource->group);
	} else {
		strbuf_addstr(out, "/api");
	}
	add_segment(out, resource->version);
	if (ns && ns[0]) {
		strbuf_addstr(out, "/namespaces");
		add_segment(out, ns);
	}
	add_segment(out, resource->plural);
	if (name)
		add_segment(out, name);
	if (subresource)
		add_segment(out, subresource);
}

void kube_resource_api_version(const struct kube_resource *resource, struct strbuf *out)
{
	if (resource->group[0])
		strbuf_addf(out, "%s/", resource->group);
	strbuf_addstr(out, resource->version);
}

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void kube_scope_init(struct kube_scope *scope, const struct kube_resource *resource, const char *ns,
		     const char *field_selector, const char *label_selector)
{
	*scope = (struct kube_scope){resource, copy_or_null(ns), copy_or_null(field_selector),
				     copy_or_null(label_selector)};
}

void kube_scope_release(struct kube_scope *scope)
{
	free(scope->ns);
	free(scope->field_selector);
	free(scope->label_selector);
}

static void add_selector(const char *parameter, const char *selector, struct strbuf *out)
{
	if (!selector)
		return;
	strbuf_addf(out, "&%s=", parameter);
	kube_escape(selector, out);
}

static void add_selectors(const struct kube_scope *scope, struct strbuf *out)
{
	add_selector("fieldSelector", scope->field_selector, out);
	add_selector("labelSelector", scope->label_selector, out);
}

void kube_list_path(const struct kube_scope *scope, unsigned page, const char *token,
		    struct strbuf *out)
{
	kube_resource_path(scope->resource, scope->ns, NULL, NULL, out);
	strbuf_addf(out, "?limit=%u", page);
	if (token) {
		strbuf_addstr(out, "&continue=");
		kube_escape(token, out);
	}
	add_selectors(scope, out);
}

void kube_watch_path(const struct kube_scope *scope, int64_t seconds, uint64_t version,
		     struct strbuf *out)
{
	kube_resource_path(scope->resource, scope->ns, NULL, NULL, out);
	strbuf_addf(out, "?watch=1&allowWatchBookmarks=true&timeoutSeconds=%lld",
		    (long long)seconds);
	if (version > 0)
		strbuf_addf(out, "&resourceVersion=%llu", (unsigned long long)version);
	else
		strbuf_addstr(out, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	add_selectors(scope, out);
}
