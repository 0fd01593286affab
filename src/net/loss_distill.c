/* SPDX-License-Identifier: MIT
 * Knowledge distillation: a loss L with a teacher's outputs z beside the targets becomes
 * (1 - lambda) L + lambda D. Of outputs y, temperature tau, and means over examples,
 *
 *   cross entropy: D = tau^2 KL(q || s), q = softmax(z / tau), s = softmax(y / tau)
 *                  dD/dy = tau (s - q), its tangent s (y_t - s . y_t)
 *   mse:           D = mean over outputs of (y - z)^2
 *
 * (Hinton, Vinyals and Dean 2015, section 2; the factor tau^2 keeps the size of the gradient as tau
 * changes.) z is a constant. */
#include <math.h>

#include "net/loss.h"

typedef oikos_real real;

/* probability = softmax(x / temperature); returns log sum exp(x / temperature). */
static double soften(size_t size, double temperature, const real *x, real *probability) {
  double largest = (double)x[oikos_argmax(size, x)] / temperature, sum = 0;
  for (size_t j = 0; j < size; j++)
    sum += exp((double)x[j] / temperature - largest);
  double log_sum = largest + log(sum);
  for (size_t j = 0; j < size; j++)
    probability[j] = (real)exp((double)x[j] / temperature - log_sum);
  return log_sum;
}

/* The student's probabilities of example i, and behind those of all examples the teacher's. */
static real *student_of(const oikos_loss_pass *p, size_t i) {
  return p->soft + i * p->size;
}

static real *teacher_of(const oikos_loss_pass *p, size_t i) {
  return p->soft + (p->n + i) * p->size;
}

static oikos_judgement soft_forward(const oikos_loss_pass *p) {
  double tau = p->temperature, sum = 0;
  for (size_t i = 0; i < p->n; i++) {
    const real *y = p->y + i * p->size, *z = p->teacher + i * p->size;
    double log_y = soften(p->size, tau, y, student_of(p, i));
    double log_z = soften(p->size, tau, z, teacher_of(p, i));
    for (size_t j = 0; j < p->size; j++) // q (log q - log s)
      sum +=
          exp((double)z[j] / tau - log_z) * (((double)z[j] - (double)y[j]) / tau - (log_z - log_y));
  }
  return (oikos_judgement){.loss = tau * tau * sum / (double)p->n};
}

static void soft_backward(const oikos_loss_pass *p) {
  real factor = p->weight * (real)p->temperature / (real)p->n;
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->size; j++)
      p->dy[i * p->size + j] += factor * (student_of(p, i)[j] - teacher_of(p, i)[j]);
}

static double soft_tangent(const oikos_loss_pass *p) {
  double sum = 0, factor = (double)p->weight * p->temperature / (double)p->n;
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->size; j++)
      sum += factor * (double)(student_of(p, i)[j] - teacher_of(p, i)[j]) *
             (double)p->y_t[i * p->size + j];
  return sum;
}

static void soft_tangent_backward(const oikos_loss_pass *p) {
  for (size_t i = 0; i < p->n; i++) {
    const real *s = student_of(p, i), *y_t = p->y_t + i * p->size;
    real dot = 0;
    for (size_t j = 0; j < p->size; j++)
      dot += s[j] * y_t[j];
    for (size_t j = 0; j < p->size; j++)
      p->dy_t[i * p->size + j] += p->weight * s[j] * (y_t[j] - dot) / (real)p->n;
  }
}

static oikos_judgement squares_forward(const oikos_loss_pass *p) {
  double sum = 0;
  for (size_t i = 0, count = p->n * p->size; i < count; i++) {
    double difference = (double)p->y[i] - (double)p->teacher[i];
    sum += difference * difference;
  }
  return (oikos_judgement){.loss = sum / (double)(p->n * p->size)};
}

static real slope(const oikos_loss_pass *p) {
  return 2 * p->weight / (real)(p->n * p->size);
}

static void squares_backward(const oikos_loss_pass *p) {
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    p->dy[i] += slope(p) * (p->y[i] - p->teacher[i]);
}

static double squares_tangent(const oikos_loss_pass *p) {
  double sum = 0;
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    sum += (double)(slope(p) * (p->y[i] - p->teacher[i]) * p->y_t[i]);
  return sum;
}

static void squares_tangent_backward(const oikos_loss_pass *p) {
  for (size_t i = 0, count = p->n * p->size; i < count; i++)
    p->dy_t[i] += slope(p) * p->y_t[i];
}

/* D of a loss; its backward functions add. */
static const oikos_loss_type *term_of(const oikos_loss_type *loss) {
  static const oikos_loss_type soft = {soft_forward, soft_backward, soft_tangent,
                                       soft_tangent_backward},
                               squares = {squares_forward, squares_backward, squares_tangent,
                                          squares_tangent_backward};
  return loss == &oikos_loss_mse ? &squares : &soft;
}

static oikos_loss_pass scaled(const oikos_loss_pass *p, double share) {
  oikos_loss_pass part = *p;
  part.weight *= (real)share;
  return part;
}

static oikos_loss_pass loss_part(const oikos_loss_pass *p) {
  return scaled(p, 1 - p->lambda);
}

static oikos_loss_pass teacher_part(const oikos_loss_pass *p) {
  return scaled(p, p->lambda);
}

oikos_judgement oikos_loss_forward(const oikos_loss_type *loss, const oikos_loss_pass *p) {
  oikos_judgement judgement = loss->forward(p);
  if (p->teacher)
    judgement.loss = (1 - p->lambda) * judgement.loss + p->lambda * term_of(loss)->forward(p).loss;
  return judgement;
}

void oikos_loss_backward(const oikos_loss_type *loss, const oikos_loss_pass *p) {
  if (!p->teacher) {
    loss->backward(p);
    return;
  }
  oikos_loss_pass plain = loss_part(p), teacher = teacher_part(p);
  loss->backward(&plain);
  term_of(loss)->backward(&teacher);
}

double oikos_loss_tangent(const oikos_loss_type *loss, const oikos_loss_pass *p) {
  if (!p->teacher)
    return loss->tangent(p);
  oikos_loss_pass plain = loss_part(p), teacher = teacher_part(p);
  return loss->tangent(&plain) + term_of(loss)->tangent(&teacher);
}

void oikos_loss_tangent_backward(const oikos_loss_type *loss, const oikos_loss_pass *p) {
  if (!p->teacher) {
    loss->tangent_backward(p);
    return;
  }
  oikos_loss_pass plain = loss_part(p), teacher = teacher_part(p);
  loss->tangent_backward(&plain);
  term_of(loss)->tangent_backward(&teacher);
}
