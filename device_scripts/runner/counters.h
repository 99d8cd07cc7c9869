// Hardware events of this process and the threads that it makes, counted in user space by the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace runner {

// One perf event. Opened before the pool exists, because only threads made later are counted along.
class Counter {
 public:
  Counter(const char* name, uint64_t event) : name_(name), event_(event) {}
  ~Counter();
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void open();
  void enable();
  void disable();
  // The count since it was enabled. Where that is not exact, the counter becomes unavailable.
  uint64_t read();

  bool available() const { return reason_.empty(); }
  const char* name() const { return name_; }
  const std::string& reason() const { return reason_; }

 private:
  const char* name_;
  uint64_t event_;
  int file_ = -1;
  std::string reason_ = "no counted iterations were asked for";
};

// Counted two at a time: cores have few counters, and shared ones are not exact.
struct Counters {
  Counter instructions;
  Counter cycles;
  Counter cache_misses;
  Counter branch_misses;

  Counters();
  void open();
};

// Mark for the QEMU plugin device_scripts/instruction_counter that a counted inference begins or ends.
void mark_counted_begin();
void mark_counted_end();

}  // namespace runner
