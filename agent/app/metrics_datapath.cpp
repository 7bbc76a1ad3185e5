// SPDX-License-Identifier: Apache-2.0
// Metrics of the kernel's side: packets by verdict, how full the maps are, where programs are attached.
#include <array>

#include "agent/app/metrics_parts.hpp"

namespace sluice::app {
namespace {

constexpr std::array<const char*, LB_COUNTER_MAX> kCounterLabels = {
#define LB_COUNTER_LABEL(name, label, help) label,
    LB_COUNTERS(LB_COUNTER_LABEL)
#undef LB_COUNTER_LABEL
};

const char* label_of(datapath::AttachMode mode) {
  switch (mode) {
    case datapath::AttachMode::kTcx:
      return "tcx";
    case datapath::AttachMode::kClsact:
      return "clsact";
    case datapath::AttachMode::kNone:
      return "none";
  }
  return "none";
}

}  // namespace

void add_datapath(const MetricsInput& input, Families& out) {
  const KernelCounts none;
  const KernelCounts& kernel = input.kernel ? *input.kernel : none;
  out.gauge("sluice_datapath_kernel_path", "1 when connections can be handed to the kernel.")
      .sample({}, input.kernel ? 1 : 0);
  out.counter("sluice_datapath_packets_total",
              "Packets that were ours, by what was done with them.");
  if (input.kernel) {
    for (std::size_t i = 0; i < kCounterLabels.size(); ++i) {
      out.sample({{"reason", kCounterLabels[i]}}, kernel.counters[i]);
    }
  }
  out.gauge("sluice_datapath_map_entries", "Entries in use of a BPF map.");
  for (const datapath::MapFill& map : kernel.maps) out.sample({{"map", map.name}}, map.used);
  out.gauge("sluice_datapath_map_capacity", "Most entries that a BPF map can hold.");
  for (const datapath::MapFill& map : kernel.maps) out.sample({{"map", map.name}}, map.capacity);
  out.gauge("sluice_datapath_interface_info",
            "Always 1; how the steering program is attached is a label.");
  for (const datapath::InterfaceStatus& interface : kernel.interfaces) {
    out.sample({{"interface", interface.name}, {"mode", label_of(interface.mode)}}, 1);
  }
}

}  // namespace sluice::app
