// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/graph_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "peal/base/error.h"
#include "peal/base/toml_file.h"
#include "peal/cases/case_arguments.h"
#include "peal/cases/case_node.h"
#include "peal/launch/pto_callable.h"
#include "peal/tools/device_list.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

template <class Named>
std::optional<std::size_t> find(const std::vector<Named>& all, std::string_view name) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) return i;
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(std::string path)
      : path_(std::move(path)), table_(read_toml_file("graph file", path_)) {
    result_.numbers.path = path_;
    result_.numbers.subject = fmt::format("graph file `{}`", path_);
    result_.numbers.tolerance = 1e-3;
    result_.numbers.has_calls = false;
    result_.numbers.max_ranks = max_ranks;
  }

  GraphFile read() {
    const CaseNode root(result_.numbers.subject, table_);
    root.allow({"platform", "devices", "checks", "tolerance", "values", "callable", "domain",
                "buffer", "task"});
    if (const auto platform = root.find("platform")) result_.platform = platform->text();
    if (const auto checks = root.find("checks")) result_.checks = checks->flag();
    if (const auto tolerance = root.find("tolerance")) {
      result_.numbers.tolerance = tolerance->tolerance();
    }
    result_.devices = devices(need(root, "devices"));
    if (const auto values = root.find("values")) {
      for (const CaseNode& value : values->entries()) {
        result_.numbers.values.push_back(
            {value.name(), value.number(result_.numbers.values, NumberScope::graph)});
      }
    }
    each_entry(root, "callable", [this](const CaseNode& node) { read_callable(node); });
    each_entry(root, "domain", [this](const CaseNode& node) { read_domain(node); });
    each_entry(root, "buffer", [this](const CaseNode& node) { read_buffer(node); });
    for (const CaseNode& task : need(root, "task").elements()) read_task(task);
    return std::move(result_);
  }

 private:
  template <class Read>
  static void each_entry(const CaseNode& root, std::string_view key, Read read) {
    const auto all = root.find(key);
    if (!all) return;
    for (const CaseNode& node : all->entries()) read(node);
  }

  static CaseNode need(const CaseNode& node, const std::string& key) {
    if (auto found = node.find(key)) return *std::move(found);
    node.refuse(fmt::format("lacks `{}`; see docs/graph_files.md for what it says", key));
  }

  // Parses devices: "0-3,7", a number, or an array of numbers.
  std::vector<int> devices(const CaseNode& node) const {
    if (node.is_text()) {
      try {
        return parse_devices(node.text());
      } catch (const Error& error) {
        node.refuse(fmt::format("cannot be read: {}", error.what()));
      }
    }
    constexpr CaseNode::Range range{.lowest = 0, .highest = max_ranks - 1};
    if (!node.is_array()) return {node.constant(range)};
    std::vector<int> result;
    for (const CaseNode& element : node.elements()) {
      result.push_back(element.constant(range));
      if (std::count(result.begin(), result.end(), result.back()) > 1) {
        element.refuse(fmt::format("is device {} again; name each once", result.back()));
      }
    }
    if (result.empty()) node.refuse("is empty; name at least one device");
    return result;
  }

  // The devices under that key. Throws Error unless the worker has all of them.
  std::vector<int> own_devices(const CaseNode& node) const {
    std::vector<int> result = devices(node);
    for (int device : result) {
      if (std::find(result_.devices.begin(), result_.devices.end(), device) !=
          result_.devices.end()) {
        continue;
      }
      node.refuse(
          fmt::format("names device {}, which `devices` of the file does not have", device));
    }
    return result;
  }

  // Stores a number as a scalar argument of the case `numbers`; returns its index.
  std::size_t number(const CaseNode& node) {
    CaseArgument argument;
    argument.kind = ArgumentKind::scalar;
    argument.label = node.key();
    argument.number = node.number(result_.numbers.values, NumberScope::graph);
    result_.numbers.arguments.push_back(std::move(argument));
    return result_.numbers.arguments.size() - 1;
  }

  void read_callable(const CaseNode& node) {
    node.allow({"kernel", "core", "include", "collective", "op", "algorithm", "root"});
    const auto kernel = node.find("kernel"), named = node.find("collective");
    if (kernel.has_value() == named.has_value()) {
      node.refuse("has both `kernel` and `collective`, or neither; give one of them");
    }
    result_.callables.push_back(
        {node.name(), kernel ? load_kernel(node, kernel->text()) : load_collective(node, *named)});
  }

  // Returns load(), and adds file and key to its errors, which do not name them.
  template <class Load>
  static Callable loaded(const CaseNode& node, Load load) {
    try {
      return load();
    } catch (const QuotedError&) {
      throw;  // compiler output, whose lines stay as they are
    } catch (const Error& error) {
      node.refuse(fmt::format("cannot be used: {}", error.what()));
    }
  }

  [[nodiscard]] std::string beside(const std::string& path) const {
    return fs::absolute(fs::path(path_).parent_path() / path).lexically_normal().string();
  }

  Callable load_kernel(const CaseNode& node, const std::string& path) {
    PtoOptions options;
    if (const auto core = node.find("core")) {
      if (core->text() != "aiv" && core->text() != "aic") core->must_be("\"aiv\" or \"aic\"");
      options.core = core->text() == "aiv" ? CoreType::aiv : CoreType::aic;
    }
    if (const auto include = node.find("include")) {
      for (const CaseNode& folder : include->elements()) {
        options.include.push_back(beside(folder.text()));
      }
    }
    result_.sources.push_back(beside(path));
    return loaded(node, [&] { return kernel_file(beside(path), options); });
  }

  Callable load_collective(const CaseNode& node, const CaseNode& named) const {
    CollectiveOptions options;
    if (const auto op = node.find("op")) options.op = op->reduce_op();
    if (const auto algorithm = node.find("algorithm")) options.algorithm = algorithm->text();
    if (const auto root = node.find("root")) {
      options.root = root->constant({.lowest = 0, .highest = max_ranks - 1});
    }
    const std::string& text = named.text();
    return loaded(node, [&] { return collective(text, options); });
  }

  void read_domain(const CaseNode& node) {
    node.allow({"devices", "window_bytes", "buffers"});
    GraphFile::Domain domain;
    domain.name = node.name();
    domain.devices = own_devices(need(node, "devices"));
    domain.window_bytes = number(need(node, "window_bytes"));
    if (const auto buffers = node.find("buffers")) {
      for (const CaseNode& buffer : buffers->elements()) {
        buffer.allow({"name", "array"});
        CaseArgument argument;
        const CaseNode array = need(buffer, "array");
        read_case_array(array, result_.numbers, argument);
        argument.kind = ArgumentKind::scalar;  // its count
        argument.label = array.key();
        result_.numbers.arguments.push_back(argument);
        domain.buffers.push_back(
            {need(buffer, "name").text(), argument.dtype, result_.numbers.arguments.size() - 1});
      }
    }
    result_.domains.push_back(std::move(domain));
  }

  void read_buffer(const CaseNode& node) {
    node.allow({"devices", "host", "array", "fill", "expect"});
    GraphFile::Buffer buffer;
    buffer.name = node.name();
    if (const auto host = node.find("host")) buffer.on_host = host->flag();
    const auto where = node.find("devices");
    if (where) buffer.devices = own_devices(*where);
    if (!where && !buffer.on_host) {
      node.refuse("says neither `devices` nor `host = true`; give one of them");
    }
    CaseArgument argument;
    argument.kind = ArgumentKind::inout;
    argument.label = fmt::format("`{}`", buffer.name);
    read_case_array(need(node, "array"), result_.numbers, argument);
    if (const auto fill = node.find("fill")) argument.fill = read_case_fill(*fill, result_.numbers);
    result_.numbers.arguments.push_back(std::move(argument));
    buffer.array = result_.numbers.arguments.size() - 1;
    if (const auto expect = node.find("expect")) {
      buffer.expected = result_.numbers.expected_outputs.size();
      result_.numbers.expected_outputs.push_back(
          {buffer.array, expect->number(result_.numbers.values, NumberScope::graph_element)});
    }
    result_.buffers.push_back(std::move(buffer));
  }

  // Parses an instance: `x`, `x@1`, `tp.scratch` or `tp.scratch@1`.
  GraphFile::Instance read_place(const CaseNode& node) const {
    GraphFile::Instance place;
    std::string_view text = node.text();
    if (const std::size_t at = text.find('@'); at != text.npos) {
      try {
        const std::vector<int> device = parse_devices(text.substr(at + 1));
        if (device.size() != 1) node.must_be("a buffer on one device, such as `x@1`");
        place.device = device.front();
      } catch (const Error& error) {
        node.refuse(fmt::format("cannot be read: {}", error.what()));
      }
      text = text.substr(0, at);
    }
    const std::size_t dot = text.find('.');
    if (dot == text.npos) {
      place.buffer = index_of(node, result_.buffers, text, "buffer");
      return place;
    }
    place.domain = index_of(node, result_.domains, text.substr(0, dot), "domain");
    place.buffer = index_of(node, result_.domains[*place.domain].buffers, text.substr(dot + 1),
                            "buffer of that domain");
    return place;
  }

  template <class Named>
  static std::size_t index_of(const CaseNode& node, const std::vector<Named>& all,
                              std::string_view name, const char* what) {
    if (const auto index = find(all, name)) return *index;
    std::vector<std::string> names;
    for (const Named& one : all) names.push_back(one.name);
    node.refuse(fmt::format(
        "names `{}`, which is no {}; there {}", name, what,
        names.empty() ? std::string("is none") : fmt::format("are {}", fmt::join(names, ", "))));
  }

  GraphFile::Argument read_argument(const CaseNode& node) {
    GraphFile::Argument argument;
    node.allow({"in", "out", "inout", "no_dep", "scalar", "context", "first", "count"});
    int forms = 0;
    for (TaskDirection direction : {TaskDirection::input, TaskDirection::output,
                                    TaskDirection::inout, TaskDirection::no_dep}) {
      const auto array = node.find(name(direction));
      if (!array) continue;
      ++forms;
      argument.kind = TaskArgument::Kind::array;
      argument.direction = direction;
      argument.place = read_place(*array);
    }
    if (const auto scalar = node.find("scalar")) {
      ++forms;
      argument.kind = TaskArgument::Kind::scalar;
      argument.number = number(*scalar);
    }
    if (const auto context = node.find("context")) {
      ++forms;
      argument.kind = TaskArgument::Kind::context;
      argument.domain = index_of(*context, result_.domains, context->text(), "domain");
    }
    if (forms != 1) node.must_be("a table with one of in, out, inout, no_dep, scalar, context");
    const auto first = node.find("first"), count = node.find("count");
    if ((first || count) && argument.kind != TaskArgument::Kind::array) {
      node.refuse("has `first` or `count`, which only arrays have; leave them away");
    }
    if (first) argument.place.first = number(*first);
    if (count) argument.place.count = number(*count);
    return argument;
  }

  // Parses an end of a copy: an instance, or a table with the instance and a part of it.
  GraphFile::Instance read_end(const CaseNode& node) {
    if (node.is_text()) return read_place(node);
    node.allow({"place", "first", "count"});
    GraphFile::Instance place = read_place(need(node, "place"));
    if (const auto first = node.find("first")) place.first = number(*first);
    if (const auto count = node.find("count")) place.count = number(*count);
    return place;
  }

  void read_task(const CaseNode& node) {
    node.allow({"name", "run", "copy", "devices", "args", "after"});
    GraphFile::Task task;
    const auto run = node.find("run"), copy = node.find("copy");
    if (run.has_value() == copy.has_value()) {
      node.refuse("has both `run` and `copy`, or neither; give one of them");
    }
    task.name = run ? run->text() : "copy";
    if (const auto name = node.find("name")) {
      task.name = name->text();
      if (find(result_.tasks, task.name)) name->refuse("is another task's; give each its own");
    }
    if (run) {
      task.callable = index_of(*run, result_.callables, run->text(), "callable");
      task.devices = own_devices(need(node, "devices"));
      if (const auto args = node.find("args")) {
        for (const CaseNode& argument : args->elements()) {
          task.arguments.push_back(read_argument(argument));
        }
      }
    } else {
      copy->allow({"to", "from"});
      for (const char* end : {"to", "from"}) {
        GraphFile::Argument argument;
        argument.kind = TaskArgument::Kind::array;
        argument.place = read_end(need(*copy, end));
        task.arguments.push_back(argument);
      }
    }
    if (const auto after = node.find("after")) {
      for (const CaseNode& earlier : after->elements()) {
        task.after.push_back(index_of(earlier, result_.tasks, earlier.text(), "earlier task"));
      }
    }
    result_.tasks.push_back(std::move(task));
  }

  std::string path_;
  toml::table table_;
  GraphFile result_;
};

}  // namespace

GraphFile read_graph_file(const std::string& path) { return Reader(path).read(); }

}  // namespace peal
