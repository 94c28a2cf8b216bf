/*
 * Keys fall into Knative's own buckets. The wanted numbers were made by knative.dev/pkg/hash at
 * 521cb33b33dd (2026-07-27), a Go program of this line for each list of names and each key:
 *
 *   owner, _ := hash.ChooseSubset(sets.New(names...), 1, key).PopAny()
 *
 * printing slices.Index(names, owner), for the keys "ns-1/hello-00001" as key_of makes them.
 */
#include "pkg/knative/buckets.h"

#include "test/lib/test.h"

#define USUAL "hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler."

static const struct {
	size_t count;
	const char *names[BUCKETS_MAX];
	const char *owners; /* of key 0, 1, ...: a digit each */
} rows[] = {
    {1, {USUAL "00-of-01"}, "00"},
    {2, {USUAL "00-of-02", USUAL "01-of-02"}, "100111100100"},
    {3, {USUAL "00-of-03", USUAL "01-of-03", USUAL "02-of-03"}, "111122100111"},
    {5,
     {USUAL "00-of-05", USUAL "01-of-05", USUAL "02-of-05", USUAL "03-of-05", USUAL "04-of-05"},
     "032140442042"},
    {10,
     {USUAL "00-of-10", USUAL "01-of-10", USUAL "02-of-10", USUAL "03-of-10", USUAL "04-of-10",
      USUAL "05-of-10", USUAL "06-of-10", USUAL "07-of-10", USUAL "08-of-10", USUAL "09-of-10"},
     "939648683446"},
    /* Two of these names stand at one angle, whatever the key. */
    {4, {"a5", "b35", "c", "d25"}, "2300031213333210"},
    {4, {"a86", "b602", "c", "d7396"}, "2021112311303320"},
    {4, {"a266", "b1862", "c", "d70756"}, "2123110321312320"},
};

static void key_of(size_t index, char out[32])
{
	snprintf(out, 32, "ns-%zu/hello-%05zu", index % 3, index + 1);
}

TEST(buckets, are_knatives)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; rows[i].owners[k]; k++) {
			char key[32];

			key_of(k, key);
			test_row("%s, %s", rows[i].names[0], key);
			EXPECT_INT(bucket_of(rows[i].names, rows[i].count, key),
				   rows[i].owners[k] - '0');
		}
	}
}

/* None is left out, none gets nearly all. */
TEST(buckets, share_the_keys)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t shares[BUCKETS_MAX] = {0};

		for (size_t k = 0; k < 10000; k++) {
			char key[32];

			key_of(k, key);
			shares[bucket_of(rows[i].names, rows[i].count, key)]++;
		}
		for (size_t b = 0; b < rows[i].count; b++) {
			test_row("%s: %zu", rows[i].names[b], shares[b]);
			EXPECT(shares[b] >= 10000 / rows[i].count / 3);
		}
	}
}

TEST_MAIN(TEST_OF(buckets, are_knatives), TEST_OF(buckets, share_the_keys))
