/* SPDX-License-Identifier: MIT
 * Members of JSON objects behind the first one: `, "name": value`. JSON knows no NaN and no
 * infinity: those are null. Within oikos_numbers_begin (base/number.h). */
#ifndef OIKOS_BASE_JSON_H
#define OIKOS_BASE_JSON_H

#include <stddef.h>
#include <stdio.h>

void oikos_json_number(FILE *out, const char *name, int digits, double value);

/** x (n), floats or doubles, by the size of one. */
void oikos_json_list(FILE *out, const char *name, int digits, size_t n, const void *x, size_t size);

#endif
