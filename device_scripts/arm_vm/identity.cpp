// The properties of this adbd. On Android the properties come from init; here libbase keeps them
// within the process, so they are set before main() reads them.
#include <android-base/properties.h>

#include <cstdlib>

__attribute__((constructor)) static void SetIdentity() {
  android::base::SetProperty("ro.product.name", "harness_arm_vm");
  android::base::SetProperty("ro.product.model", "Harness ARM VM");
  android::base::SetProperty("ro.product.device", "arm_vm");
  // Without a key, as on Android's emulator images, only when the environment asks for it.
  const bool open = std::getenv("HARNESS_ADBD_WITHOUT_KEY") != nullptr;
  android::base::SetProperty("ro.adb.secure", open ? "0" : "1");
}
