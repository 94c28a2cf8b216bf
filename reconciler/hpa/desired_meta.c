/*
 * KEDA copies a ScaledObject's annotations to the HPA, all of them, so only the class and KEDA's
 * own are set. The list of the latter tells later which ones may be removed again.
 */
#include "reconciler/hpa/desired_meta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/keda/scaled_object.h"

/* KEDA's annotations that have a form of our own, which Knative lets a user remove again. */
static const struct form {
	enum annotation_id id;
	const char *key;
} forms[] = {
    {A_PAUSED, "autoscaling.keda.sh/paused"},
    {A_PAUSED_SCALE_IN, "autoscaling.keda.sh/paused-scale-in"},
    {A_PAUSED_SCALE_OUT, "autoscaling.keda.sh/paused-scale-out"},
    {A_FORCE_ACTIVATION, "autoscaling.keda.sh/force-activation"},
    {A_PAUSED_REPLICAS, "autoscaling.keda.sh/paused-replicas"},
};

struct pairs {
	const struct annotations *annotations;
	bool transfer;
	struct arena *arena;
	struct meta_pairs out;
};

static void add_pair(struct pairs *p, const char *key, const char *value)
{
	p->out.items[p->out.count++] = (struct meta_pair){key, value};
}

/* Our own form wins over KEDA's name on the revision. */
static bool is_replaced(const struct pairs *p, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (strcmp(forms[i].key, key) == 0)
			return annotation_get(p->annotations, forms[i].id) != NULL;
	return p->transfer && strcmp(key, SCALED_OBJECT_TRANSFER) == 0;
}

/* To KEDA the mere presence of an annotation may mean true: false is left out. */
static void add_form(struct pairs *p, const struct form *form)
{
	const struct annotation_value *value = annotation_get(p->annotations, form->id);

	if (!value)
		return;
	if (value->row->type == ANNOTATION_INT32)
		add_pair(p, form->key, arena_printf(p->arena, "%" PRId64, value->number));
	else if (value->number)
		add_pair(p, form->key, "true");
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct meta_pair *)a)->key, ((const struct meta_pair *)b)->key);
}

/* KEDA's annotations that the ScaledObject should have, sorted. */
static struct meta_pairs keda_annotations(const struct pod_autoscaler *pa,
					  const struct annotations *annotations, bool transfer,
					  struct arena *arena)
{
	const struct meta_pairs *from = &pa->annotations;
	struct pairs p = {.annotations = annotations, .transfer = transfer, .arena = arena};

	p.out.items = ARENA_ARRAY(arena, struct meta_pair, from->count + ARRAY_SIZE(forms) + 1);
	for (size_t i = 0; i < from->count; i++)
		if (annotation_is_keda(from->items[i].key) && !is_replaced(&p, from->items[i].key))
			add_pair(&p, from->items[i].key, from->items[i].value);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		add_form(&p, &forms[i]);
	if (transfer)
		add_pair(&p, SCALED_OBJECT_TRANSFER, "true");
	if (p.out.count > 1)
		qsort(p.out.items, p.out.count, sizeof(*p.out.items), by_key);
	return p.out;
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

struct json *desired_metadata(const struct pod_autoscaler *pa, const struct annotations *set,
			      bool transfer, struct arena *arena)
{
	const struct meta *meta = &pa->object.meta;
	struct json *metadata = json_object(arena);
	struct meta_pairs keda = keda_annotations(pa, set, transfer, arena);

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
