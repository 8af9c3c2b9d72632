// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/kernel_case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "peal/cases/case_arguments.h"
#include "peal/cases/case_node.h"
#include "peal/machine/description/kernel_values.h"

namespace peal {
namespace {

class Reader {
 public:
  explicit Reader(const Kernel& kernel) : kernel_(kernel) {
    result_.file.subject = fmt::format("kernel `{}`", kernel.name);
  }

  KernelCase read() {
    if (!kernel_.run) refuse("run", "is empty; give the function that every rank calls");
    read_values();
    read_limits();
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) read_buffer(i);
    for (std::size_t i = 0; i < kernel_.signals.size(); ++i) read_signals(i);
    if (kernel_.expect) read_expectation(*kernel_.expect);
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(std::string_view key, const std::string& what) const {
    refuse_case(result_.file.subject, key, what);
  }

  // Wraps a member's value in a CaseNode, so that the parsers of case files can read it.
  template <class Value, class Read>
  auto with_node(const std::string& key, const Value& value, Read read) const {
    const toml::value<Value> node(value);
    return read(CaseNode(result_.file.subject, node, key));
  }

  [[nodiscard]] CaseNumber number(const std::string& key, const std::string& text,
                                  NumberScope scope) const {
    return with_node(key, text,
                     [&](const CaseNode& node) { return node.number(result_.file.values, scope); });
  }

  void read_limits() {
    CaseFile& file = result_.file;
    file.min_ranks = kernel_.min_ranks;
    file.max_ranks = kernel_.max_ranks;
    file.tolerance = kernel_.tolerance;
    if (file.min_ranks < 1 || file.max_ranks < file.min_ranks) {
      refuse("min_ranks", fmt::format("is {} and `max_ranks` is {}; give 1 <= min <= max",
                                      file.min_ranks, file.max_ranks));
    }
    if (!(file.tolerance >= 0)) {
      refuse("tolerance", fmt::format("is {}; it must not be negative", file.tolerance));
    }
    file.calls = number("calls", std::to_string(kernel_.calls), NumberScope::setup);
  }

  void read_values() {
    static_cast<void>(KernelValues(kernel_));  // throws Error for invalid values
    for (const KernelValue& value : kernel_.values) {
      CaseNumber parsed =
          number(fmt::format("values `{}`", value.name), value.value, NumberScope::call);
      result_.file.values.push_back({value.name, std::move(parsed)});
    }
  }

  void read_name(const std::string& key, const std::string& name) {
    if (name.empty()) refuse(key + ".name", "is empty; reports and the kernel need it");
    if (names_.insert(name).second) return;
    refuse(key + ".name", fmt::format("is `{}`, which is another's; give each its own", name));
  }

  static ArgumentKind kind_of(KernelBuffer::Kind kind) {
    if (kind == KernelBuffer::Kind::input) return ArgumentKind::in;
    return kind == KernelBuffer::Kind::output ? ArgumentKind::out : ArgumentKind::inout;
  }

  void read_buffer(std::size_t index) {
    const KernelBuffer& buffer = kernel_.buffers[index];
    const std::string key = fmt::format("buffers[{}]", index);
    read_name(key, buffer.name);
    const bool is_window = buffer.kind == KernelBuffer::Kind::window;
    const bool filled =
        buffer.kind == KernelBuffer::Kind::input || buffer.kind == KernelBuffer::Kind::inout;
    if (!filled && !buffer.fill.empty()) {
      refuse(key + ".fill",
             fmt::format("is `{}`, but only inputs are filled; leave it away", buffer.fill));
    }
    CaseFile& file = result_.file;
    if (is_window) {
      result_.buffers.emplace_back(KernelCase::WindowIndex{file.windows.size()});
      file.windows.push_back(
          {buffer.name, buffer.dtype, number(key + ".count", buffer.count, NumberScope::setup)});
      return;
    }
    CaseArgument argument;
    argument.kind = kind_of(buffer.kind);
    argument.label = fmt::format("`{}`", buffer.name);
    argument.dtype = buffer.dtype;
    argument.number = number(key + ".count", buffer.count, NumberScope::call);
    if (filled) {
      const std::string fill = buffer.fill.empty() ? "0" : buffer.fill;
      argument.fill = with_node(key + ".fill", fill,
                                [&](const CaseNode& node) { return read_case_fill(node, file); });
    }
    result_.buffers.emplace_back(KernelCase::ArgumentIndex{file.arguments.size()});
    file.arguments.push_back(std::move(argument));
  }

  void read_signals(std::size_t index) {
    const KernelSignals& row = kernel_.signals[index];
    const std::string key = fmt::format("signals[{}]", index);
    read_name(key, row.name);
    result_.signals.push_back(result_.file.windows.size());
    result_.file.windows.push_back(
        {row.name, DType::u8, number(key + ".count", row.count, NumberScope::setup)});
  }

  [[nodiscard]] Collective collective_of(const std::string& text) const {
    std::vector<const char*> names;
    for (Collective collective : collectives_with_results) {
      names.push_back(name(collective));
      if (text == names.back()) return collective;
    }
    refuse("expect.collective",
           fmt::format("is `{}`, which is unknown; use one of {}", text, fmt::join(names, ", ")));
  }

  void read_expectation(const KernelExpectation& expect) {
    if (expect.collective.empty() == expect.outputs.empty()) {
      refuse("expect", "gives both a collective and outputs, or neither; give one of them");
    }
    if (!expect.collective.empty()) return read_collective(expect);
    CaseFile& file = result_.file;
    std::vector<std::size_t> outputs;
    for (std::size_t i = 0; i < file.arguments.size(); ++i) {
      if (is_output(file.arguments[i].kind)) outputs.push_back(i);
    }
    if (expect.outputs.size() != outputs.size()) {
      refuse("expect.outputs", fmt::format("has {} expressions for {} outputs; give one for each",
                                           expect.outputs.size(), outputs.size()));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      file.expected_outputs.push_back(
          {outputs[i],
           number(fmt::format("expect.outputs[{}]", i), expect.outputs[i], NumberScope::element)});
    }
  }

  void read_collective(const KernelExpectation& expect) {
    CaseFile& file = result_.file;
    const Collective collective = collective_of(expect.collective);
    const auto read = [&](const CaseNode& node) {
      return read_case_collective(collective, node, file);
    };
    switch (collective) {
      case Collective::all_reduce:
      case Collective::reduce_scatter:
      case Collective::reduce:
        file.expected_collective = with_node("expect.op", std::string(name(expect.op)), read);
        break;
      case Collective::broadcast:
      case Collective::gather:
      case Collective::scatter:
        file.expected_collective = with_node("expect.root", expect.root, read);
        break;
      default:
        file.expected_collective = with_node("expect", true, read);
    }
    if (collective != Collective::reduce) return;
    file.expected_collective->root =
        with_node("expect.root", expect.root,
                  [&](const CaseNode& node) { return read_case_root(node, file); });
  }

  const Kernel& kernel_;
  KernelCase result_;
  std::set<std::string> names_;
};

}  // namespace

KernelCase kernel_case(const Kernel& kernel) { return Reader(kernel).read(); }

}  // namespace peal
