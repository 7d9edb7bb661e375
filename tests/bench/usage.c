/* Runs a command several times and prints the medians of its CPU time (user and system,
 * children included) and its wall time, both in milliseconds, and the most memory any of its
 * processes held, in KiB: usage RUNS COMMAND [ARG ...]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e3 + at.tv_nsec / 1e6;
}

static double spent(const struct rusage *use) {
  return (use->ru_utime.tv_sec + use->ru_stime.tv_sec) * 1e3 + (use->ru_utime.tv_usec + use->ru_stime.tv_usec) / 1e3;
}

static int order(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int runs = argc > 2 ? atoi(argv[1]) : 0;
  if (runs < 1) return 2;
  double *cpu = malloc(sizeof *cpu * (size_t)runs), *wall = malloc(sizeof *wall * (size_t)runs);
  long most = 0;
  for (int i = 0; i < runs; i++) {
    double began = now();
    pid_t pid = fork();
    if (pid == 0) {
      int null = open("/dev/null", O_RDWR);
      dup2(null, 0);
      dup2(null, 1);
      dup2(null, 2);
      execvp(argv[2], argv + 2);
      _exit(127);
    }
    struct rusage use;
    wait4(pid, NULL, 0, &use);
    cpu[i] = spent(&use);
    wall[i] = now() - began;
    if (use.ru_maxrss > most) most = use.ru_maxrss;
  }
  qsort(cpu, (size_t)runs, sizeof *cpu, order);
  qsort(wall, (size_t)runs, sizeof *wall, order);
  printf("%.2f %.2f %ld\n", cpu[runs / 2], wall[runs / 2], most);
  return 0;
}
