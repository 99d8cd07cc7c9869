// What this adbd is: its properties, and on the machine that is like a phone its user.
#include <android-base/properties.h>
#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

static std::string FromEnvironment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != 0 ? value : otherwise;
}

// AOSP's adbd starts as root and gives that up by itself, to the groups in its daemon/main.cpp; its code for that
// needs Android's libraries.
static void BecomeShell() {
  const gid_t groups[] = {1011, 1007, 1004, 3003, 3002, 3001, 1028, 1015, 3006, 3009, 3011};
  const gid_t shell = 2000;
  if (setgroups(sizeof groups / sizeof *groups, groups) != 0 || setresgid(shell, shell, shell) != 0 ||
      setresuid(shell, shell, shell) != 0) {
    std::_Exit(1);
  }
}

// On Android the properties come from init; here libbase keeps them within the process, so they are set before
// main() reads them.
__attribute__((constructor)) static void SetIdentity() {
  const std::string model = FromEnvironment("HARNESS_ADBD_MODEL", "Harness ARM VM");
  const std::string device = FromEnvironment("HARNESS_ADBD_DEVICE", "arm_vm");
  android::base::SetProperty("ro.product.name", "harness_" + device);
  android::base::SetProperty("ro.product.model", model);
  android::base::SetProperty("ro.product.device", device);
  // Without a key, as on Android's emulator images, only when the environment asks for it.
  const bool open = std::getenv("HARNESS_ADBD_WITHOUT_KEY") != nullptr;
  android::base::SetProperty("ro.adb.secure", open ? "0" : "1");
  if (std::getenv("HARNESS_ADBD_SHELL") != nullptr) BecomeShell();
  for (const char* name : {"HARNESS_ADBD_MODEL", "HARNESS_ADBD_DEVICE", "HARNESS_ADBD_SHELL"}) unsetenv(name);
}
