/* SPDX-License-Identifier: MIT
 *
 * All users or all items of an import: ids as they are met, what tables tell of them, and at the
 * end all of it in the order of ids.
 *
 *   oikos_entities_add_number(), _add_field()   declare the features, before any of them is set
 *   oikos_entities_describe()                   begin what a table tells of one, then for it
 *   oikos_entities_set_title(), _set_number(), _add_value()
 *   oikos_entities_id()                         for the ids of ratings
 *   oikos_entities_finish()
 */
#ifndef OIKOS_IMPORT_ENTITIES_H
#define OIKOS_IMPORT_ENTITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "oikos/error.h"
#include "tasks/ratings_index.h"

typedef struct oikos_entities oikos_entities;

oikos_status oikos_entities_create(oikos_entities **out, oikos_error *err);
void oikos_entities_destroy(oikos_entities *e);

/** Declare a feature that is a number, or one that is a category. @param[out] column its number
 * among those of its kind; the one of that name if there is one */
oikos_status oikos_entities_add_number(oikos_entities *e, const char *name, int *column,
                                       oikos_error *err);
oikos_status oikos_entities_add_field(oikos_entities *e, const char *name, int *field,
                                      oikos_error *err);

/** The number of an id for now; a new one if it is new. */
oikos_status oikos_entities_id(oikos_entities *e, const char *id, int32_t *entity,
                               oikos_error *err);

/** The same without a new one; -1 if there is none. */
int32_t oikos_entities_find(const oikos_entities *e, const char *id);
const char *oikos_entities_name(const oikos_entities *e, int32_t entity);

/** Whether one has been described. */
bool oikos_entities_is_described(const oikos_entities *e, const char *id);

/** Begin to describe one, which has not been. */
oikos_status oikos_entities_describe(oikos_entities *e, const char *id, int32_t *entity,
                                     oikos_error *err);
oikos_status oikos_entities_set_title(oikos_entities *e, int32_t entity, const char *title,
                                      oikos_error *err);
void oikos_entities_set_number(oikos_entities *e, int32_t entity, int column, double number);

/** One has a value of a field; several of one field may be given. */
oikos_status oikos_entities_add_value(oikos_entities *e, int32_t entity, int field,
                                      const char *value, oikos_error *err);

/** Number a value of a field before it occurs, so that it has its place. */
oikos_status oikos_entities_name_value(oikos_entities *e, int field, const char *value,
                                       oikos_error *err);

/**
 * Order all by their ids (import/name_order.h).
 * @param[out] side   points into @p e
 * @param[out] place  (n) where what had a number until now has come; belongs to @p e
 */
oikos_status oikos_entities_finish(oikos_entities *e, oikos_rating_side *side,
                                   const int32_t **place, oikos_error *err);

#endif
