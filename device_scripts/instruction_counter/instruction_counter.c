/*
 * A QEMU plugin (user mode, aarch64) that counts guest instructions between two markers.
 *
 * The runner's --mark-counted makes the system call prctl(0x48524e53, 1) before and prctl(0x48524e53, 2) after
 * each counted inference. For each such region one line with the count, of all threads together, is appended to
 * the file given as out=PATH, and flushed.
 *
 * Blocks are counted as they begin. A system call ends its block, so a region holds exactly what lies between
 * the two calls, the second one included; in one thread it repeats to the last digit.
 */

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * What is used of QEMU's plugin interface, declared here because Debian 12 has no qemu-plugin.h. These functions
 * are the same from QEMU 4.2 to 10; QEMU refuses a plugin whose version is too old or too new for it, hence
 * QEMU_PLUGIN_API_VERSION: 1 before QEMU 9, 2 from then on (harness/devices/emulator/instruction_counter.py).
 */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef struct {
  const char* target_name;
  struct {
    int min, cur;
  } version;
  bool system_emulation;
} qemu_info_t; /* Only its beginning. */
enum { NO_REGISTERS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block, void (*executed)(unsigned int, void*),
                                          int registers, void* data);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id,
                                          void (*called)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t,
                                                         uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

enum { AARCH64_PRCTL = 167, MARKER = 0x48524e53, BEGIN = 1, END = 2, MAX_THREADS = 1024 };

/* A cache line each: threads write only their own. Threads beyond the limit share, hence the atomic. */
static struct {
  _Alignas(64) atomic_uint_fast64_t instructions;
} threads[MAX_THREADS];
static uint64_t at_begin;
static FILE* out;

static void count_block(unsigned int thread, void* instructions) {
  atomic_fetch_add_explicit(&threads[thread % MAX_THREADS].instructions, (uintptr_t)instructions, memory_order_relaxed);
}

static void watch_block(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, count_block, NO_REGISTERS,
                                       (void*)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static uint64_t count_all(void) {
  uint64_t sum = 0;
  for (int thread = 0; thread < MAX_THREADS; thread++) {
    sum += atomic_load_explicit(&threads[thread].instructions, memory_order_relaxed);
  }
  return sum;
}

static void watch_call(qemu_plugin_id_t id, unsigned int thread, int64_t number, uint64_t option, uint64_t edge,
                       uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)thread, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (number != AARCH64_PRCTL || option != MARKER) {
    return;
  }
  if (edge == BEGIN) {
    at_begin = count_all();
  } else if (edge == END) {
    fprintf(out, "%" PRIu64 "\n", count_all() - at_begin);
    fflush(out);
  }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
    fputs("instruction_counter: wants exactly one argument, out=PATH\n", stderr);
    return -1;
  }
  if (info->system_emulation || strcmp(info->target_name, "aarch64") != 0) {
    fputs("instruction_counter: counts only for qemu-aarch64\n", stderr);
    return -1;
  }
  out = fopen(argv[0] + 4, "w");
  if (out == NULL) {
    perror("instruction_counter: cannot write its file");
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, watch_block);
  qemu_plugin_register_vcpu_syscall_cb(id, watch_call);
  return 0;
}
