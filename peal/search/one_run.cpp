// SPDX-License-Identifier: Apache-2.0
#include "peal/search/one_run.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace peal {
namespace {

using Json = nlohmann::json;

Json json_of(const FindingLine& line) {
  return {line.file, line.line, static_cast<int>(line.origin)};
}
FindingLine line_of(const Json& json) {
  return {json[0], json[1], static_cast<SourceOrigin>(json[2].get<int>())};
}

Json json_of(const FindingSide& side) {
  return {side.rank,           side.core, side.pipe, side.what,
          json_of(side.place), side.call, side.step, side.task};
}
FindingSide side_of(const Json& json) {
  return {.rank = json[0],
          .core = json[1],
          .pipe = json[2],
          .what = json[3],
          .place = line_of(json[4]),
          .call = json[5],
          .step = json[6],
          .task = json[7]};
}

template <class Items, class Make>
Json array_of(const Items& items, Make&& make) {
  Json json = Json::array();
  for (const auto& item : items) json.push_back(make(item));
  return json;
}

Json json_of(const Finding& finding) {
  return {static_cast<int>(finding.kind),
          finding.subject,
          array_of(finding.sides, [](const FindingSide& side) { return json_of(side); }),
          finding.reason,
          finding.count,
          finding.is_mild};
}
Finding finding_of(const Json& json) {
  Finding finding{.kind = static_cast<FindingClass>(json[0].get<int>()),
                  .subject = json[1],
                  .sides = {},
                  .reason = json[3],
                  .count = json[4],
                  .is_mild = json[5]};
  for (const Json& side : json[2]) finding.sides.push_back(side_of(side));
  return finding;
}

Json json_of(const WrittenOutput& written) {
  const RunOutput& output = written.output;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(output.bytes.data());
  return {output.name,
          static_cast<int>(output.dtype),
          output.address,
          output.tolerance,
          Json::binary({bytes, bytes + output.bytes.size()}),
          array_of(written.writes, [](const Checker::LastWrite& write) {
            return Json{write.begin, write.end, json_of(write.side)};
          })};
}
WrittenOutput output_of(const Json& json) {
  WrittenOutput written;
  RunOutput& output = written.output;
  output.name = json[0];
  output.dtype = static_cast<DType>(json[1].get<int>());
  output.address = json[2];
  output.tolerance = json[3];
  const auto& bytes = json[4].get_binary();
  output.bytes.resize(bytes.size());
  if (!bytes.empty()) std::memcpy(output.bytes.data(), bytes.data(), bytes.size());
  for (const Json& write : json[5]) {
    written.writes.push_back({write[0], write[1], side_of(write[2])});
  }
  return written;
}

Json json_of(const KernelLine& line) { return {line.file, line.line}; }
KernelLine line_of_kernel(const Json& json) { return {json[0], json[1]}; }

Json json_of(const LookRecord& look) {
  return {look.core, look.number, look.failed, look.found, look.not_shown, look.may_miss};
}
LookRecord look_of(const Json& json) {
  return {.core = json[0],
          .number = json[1],
          .failed = json[2],
          .found = json[3],
          .not_shown = json[4],
          .may_miss = json[5]};
}

}  // namespace

std::string packed(const OneRun& run) {
  const Json json = {
      {"findings", array_of(run.findings, [](const Finding& each) { return json_of(each); })},
      {"calls", run.calls},
      {"instructions", run.instructions},
      {"window_accesses", run.window_accesses},
      {"has_windows", run.has_windows},
      {"outputs", array_of(run.outputs, [](const WrittenOutput& each) { return json_of(each); })},
      {"undecided", run.undecided},
      {"polled_words", array_of(run.polled_words,
                                [](const PolledWord& word) {
                                  return Json{word.address, word.size_bytes};
                                })},
      {"looks", array_of(run.looks, [](const LookRecord& look) { return json_of(look); })},
      {"in_question",
       array_of(run.in_question,
                [](const LookInQuestion& each) {
                  return Json{json_of(each.look), json_of(each.line), each.size_bytes};
                })},
      {"loops", array_of(run.loops, [](const KernelLine& line) { return json_of(line); })},
      {"contradicted",
       array_of(run.contradicted, [](const KernelLine& line) { return json_of(line); })},
      {"program", run.program},
      {"knows_all_looks", run.knows_all_looks},
      {"is_deadlock", run.is_deadlock},
      {"is_whole", run.is_whole},
      {"has_grown", run.has_grown},
      {"events", run.events},
      {"synchronisations", array_of(run.synchronisations, [](const SyncUnit& unit) {
         return Json{unit.what,
                     array_of(unit.lines, [](const FindingLine& line) { return json_of(line); })};
       })}};
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

OneRun unpacked_run(const std::string& bytes) {
  const Json json = Json::from_cbor(bytes);
  OneRun run;
  for (const Json& each : json["findings"]) run.findings.push_back(finding_of(each));
  run.calls = json["calls"];
  run.instructions = json["instructions"];
  run.window_accesses = json["window_accesses"];
  run.has_windows = json["has_windows"];
  for (const Json& each : json["outputs"]) run.outputs.push_back(output_of(each));
  run.undecided = json["undecided"];
  for (const Json& each : json["polled_words"]) run.polled_words.push_back({each[0], each[1]});
  for (const Json& each : json["looks"]) run.looks.push_back(look_of(each));
  for (const Json& each : json["in_question"]) {
    run.in_question.push_back({look_of(each[0]), line_of_kernel(each[1]), each[2]});
  }
  for (const Json& each : json["loops"]) run.loops.push_back(line_of_kernel(each));
  for (const Json& each : json["contradicted"]) run.contradicted.push_back(line_of_kernel(each));
  run.program = json["program"];
  run.knows_all_looks = json["knows_all_looks"];
  run.is_deadlock = json["is_deadlock"];
  run.is_whole = json["is_whole"];
  run.has_grown = json["has_grown"];
  run.events = json["events"];
  for (const Json& each : json["synchronisations"]) {
    SyncUnit unit{.lines = {}, .what = each[0]};
    for (const Json& line : each[1]) unit.lines.push_back(line_of(line));
    run.synchronisations.push_back(std::move(unit));
  }
  return run;
}

}  // namespace peal
