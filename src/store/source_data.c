/* SPDX-License-Identifier: MIT */
#include "store/source_data.h"

#include "base/try.h"
#include "tasks/source.h"

static oikos_status load_images(const oikos_team *team, const char *path, oikos_source_data *s,
                                oikos_data *data, oikos_error *err) {
  OIKOS_TRY(oikos_image_load(team, path, &s->images, err));
  s->about = &s->images.about;
  s->memory = &s->images.memory;
  *data = (oikos_data){.images = &s->images.index, .pixels = s->images.pixels};
  return OIKOS_OK;
}

static oikos_status load_table(const oikos_team *team, const char *path, oikos_source_data *s,
                               oikos_data *data, oikos_error *err) {
  OIKOS_TRY(oikos_table_load(team, path, &s->table, err));
  s->about = &s->table.about;
  s->memory = &s->table.memory;
  *data = (oikos_data){
      .table = &s->table.index, .features = s->table.features, .targets = s->table.targets};
  return OIKOS_OK;
}

static oikos_status load_ratings(const oikos_team *team, const char *path, oikos_source_data *s,
                                 oikos_data *data, oikos_error *err) {
  OIKOS_TRY(oikos_ratings_load(team, path, &s->ratings, err));
  s->about = &s->ratings.about;
  s->memory = &s->ratings.memory;
  *data = (oikos_data){.ratings = &s->ratings.index};
  return OIKOS_OK;
}

oikos_status oikos_source_data_load(const oikos_team *team, const oikos_config *config,
                                    oikos_source_data *s, oikos_data *data, oikos_error *err) {
  *data = (oikos_data){0};
  switch (oikos_source_type_of(config)->data) {
  case OIKOS_DATA_NONE:
    break;
  case OIKOS_DATA_IMAGES:
    return load_images(team, config->task.file, s, data, err);
  case OIKOS_DATA_TABLE:
    return load_table(team, config->task.file, s, data, err);
  case OIKOS_DATA_RATINGS:
    return load_ratings(team, config->task.file, s, data, err);
  }
  return OIKOS_OK;
}

void oikos_source_data_unload(oikos_source_data *s) {
  oikos_image_unload(&s->images);
  oikos_table_unload(&s->table);
  oikos_ratings_unload(&s->ratings);
}
