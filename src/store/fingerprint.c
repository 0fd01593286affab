/* SPDX-License-Identifier: MIT */
#include "store/fingerprint.h"

#include <stdbool.h>
#include <string.h>

#include "base/xxh3.h"

/* The least byte first, so that it is the same everywhere. */
static void add_number(XXH3_state_t *state, int64_t number) {
  unsigned char bytes[8];
  for (int k = 0; k < 8; k++)
    bytes[k] = (unsigned char)((uint64_t)number >> 8 * k);
  XXH3_128bits_update(state, bytes, sizeof bytes);
}

/* A list of texts under a name; each with its length, so that no two lists look alike. */
static void add_texts(XXH3_state_t *state, const char *what, int64_t n, const char *const *texts) {
  XXH3_128bits_update(state, what, strlen(what) + 1);
  add_number(state, texts ? n : 0);
  for (int64_t k = 0; texts && k < n; k++) {
    size_t length = strlen(texts[k]);
    add_number(state, (int64_t)length);
    XXH3_128bits_update(state, texts[k], length);
  }
}

static void add_numbers(XXH3_state_t *state, const char *what, int64_t n, const int64_t *numbers) {
  XXH3_128bits_update(state, what, strlen(what) + 1);
  add_number(state, numbers ? n : 0);
  for (int64_t k = 0; numbers && k < n; k++)
    add_number(state, numbers[k]);
}

static void take(XXH3_state_t *state, char text[OIKOS_DIGEST]) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  oikos_digest_text(canonical.digest, text);
}

static oikos_status begin(XXH3_state_t **state, const char *kind, oikos_error *err) {
  *state = XXH3_createState();
  if (!*state)
    return oikos_fail(err, OIKOS_ERROR, "out of memory for a fingerprint");
  XXH3_128bits_reset(*state);
  XXH3_128bits_update(*state, kind, strlen(kind) + 1);
  return OIKOS_OK;
}

oikos_status oikos_fingerprint_images(const oikos_image_index *x, oikos_fingerprint *print,
                                      oikos_error *err) {
  XXH3_state_t *state;
  const int64_t shape[] = {x->height, x->width, x->channels};
  oikos_status status = begin(&state, "images", err);
  if (status != OIKOS_OK)
    return status;
  add_numbers(state, "shape", 3, shape);
  take(state, print->inputs);
  add_texts(state, "class_name", x->n_classes, x->class_name);
  add_texts(state, "group_name", x->n_groups, x->group_name);
  for (int64_t k = 0; k < x->n_classes; k++) {
    add_number(state, x->class_group[k]);
    add_number(state, x->split[k]);
  }
  take(state, print->names);
  XXH3_freeState(state);
  return OIKOS_OK;
}

oikos_status oikos_fingerprint_table(const oikos_table_index *x, oikos_fingerprint *print,
                                     oikos_error *err) {
  XXH3_state_t *state;
  oikos_status status = begin(&state, "table", err);
  if (status != OIKOS_OK)
    return status;
  add_texts(state, "feature_name", x->n_features, x->feature_name);
  add_texts(state, "target_name", x->n_targets, x->target_name);
  take(state, print->inputs);
  add_texts(state, "group_name", x->n_groups, x->group_name);
  take(state, print->names);
  XXH3_freeState(state);
  return OIKOS_OK;
}

/* What is empty is not in the file: both ways to say so are one. */
static void add_side(XXH3_state_t *state, const oikos_rating_side *s) {
  bool fields = s->n_fields > 0 && s->field_first;
  add_texts(state, "id", s->n, s->id);
  add_texts(state, "number_name", s->n_numbers, s->number_name);
  add_texts(state, "field_name", s->n_fields, s->field_name);
  add_numbers(state, "field_first", fields ? s->n_fields + 1 : 0, s->field_first);
  add_texts(state, "value_name", fields ? s->field_first[s->n_fields] : 0, s->value_name);
}

oikos_status oikos_fingerprint_ratings(const oikos_ratings_index *x, oikos_fingerprint *print,
                                       oikos_error *err) {
  XXH3_state_t *state;
  oikos_status status = begin(&state, "ratings", err);
  if (status != OIKOS_OK)
    return status;
  add_side(state, &x->users);
  add_side(state, &x->items);
  take(state, print->inputs);
  add_texts(state, "split_name", x->n_splits, x->split_name);
  take(state, print->names);
  XXH3_freeState(state);
  return OIKOS_OK;
}
