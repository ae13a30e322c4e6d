/* service/stir/stir_work.h -- what stir.c and stir_verify.c share. Threads: core. */
#ifndef SERVICE_STIR_WORK_H
#define SERVICE_STIR_WORK_H

struct stir;
void stir_checks_abandon(struct stir *st);   /* the end: nobody is told */

#endif
