/*
 * KEDA copies a ScaledObject's annotations to the HPA, all of them, so only the class and KEDA's
 * own are set. The list of the latter tells later which ones may be removed again.
 */
#include "reconciler/hpa/desired_meta.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/keda/scaled_object.h"

static bool is_keda(const char *key)
{
	static const char *const prefixes[] = {"autoscaling.keda.sh/", "scaledobject.keda.sh/",
					       "validations.keda.sh/"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct meta_pair *)a)->key, ((const struct meta_pair *)b)->key);
}

/* KEDA's annotations that the ScaledObject should have, sorted. */
static struct meta_pairs keda_annotations(const struct pod_autoscaler *pa, bool transfer,
					  struct arena *arena)
{
	const struct meta_pairs *from = &pa->annotations;
	struct meta_pairs out = {.items = ARENA_ARRAY(arena, struct meta_pair, from->count + 1)};

	for (size_t i = 0; i < from->count; i++) {
		bool replaced = transfer && strcmp(from->items[i].key, SCALED_OBJECT_TRANSFER) == 0;
		if (is_keda(from->items[i].key) && !replaced)
			out.items[out.count++] = from->items[i];
	}
	if (transfer)
		out.items[out.count++] = (struct meta_pair){SCALED_OBJECT_TRANSFER, "true"};
	if (out.count > 1)
		qsort(out.items, out.count, sizeof(*out.items), by_key);
	return out;
}

static void set_keda_annotations(struct arena *arena, struct json *annotations,
				 const struct meta_pairs *pairs)
{
	CLEANUP(strbuf_release) struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < pairs->count; i++) {
		json_set_text(arena, annotations, pairs->items[i].key, pairs->items[i].value);
		strbuf_addf(&list, "%s%s", i ? "," : "", pairs->items[i].key);
	}
	if (pairs->count)
		json_set_text(arena, annotations, SCALED_OBJECT_MANAGED, list.buf);
}

struct json *desired_metadata(const struct pod_autoscaler *pa, bool transfer, struct arena *arena)
{
	const struct meta *meta = &pa->object.meta;
	struct json *metadata = json_object(arena);
	struct meta_pairs keda = keda_annotations(pa, transfer, arena);

	json_set_text(arena, metadata, "name", meta->name);
	json_set_text(arena, metadata, "namespace", meta->ns);
	struct json *labels = json_ensure_object(arena, metadata, "labels");
	for (size_t i = 0; i < pa->labels.count; i++)
		json_set_text(arena, labels, pa->labels.items[i].key, pa->labels.items[i].value);
	json_set_text(arena, labels, SCALED_OBJECT_LABEL, meta->name);

	struct json *annotations = json_ensure_object(arena, metadata, "annotations");
	json_set_text(arena, annotations, CLASS_ANNOTATION, CLASS_HPA);
	set_keda_annotations(arena, annotations, &keda);

	struct json *owners = json_set(arena, metadata, "ownerReferences", json_array(arena));
	json_append(arena, owners,
		    meta_owner_reference(arena, POD_AUTOSCALER_API_VERSION, POD_AUTOSCALER_KIND,
					 meta->name, meta->uid));
	return metadata;
}
