"""Texts that show a machine at work: what programs print when they succeed, and people who ask whether something is normal.

Health is never the mere absence of a fault. A line has to say that something worked (a test that passed, a build that ended, steps of a
training, a GPU that a framework lists), or a person has to ask whether a state is normal and to tell of nothing amiss. A single line
that complains and that is not known to be idle ends it: what failed beside it counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.quiet import mild
from gpudoctor.logs.resemblance import OURS

#: A program's own word for success, in the line where it stands.
_WORKED = Lazy(
    # Tests and samples: pytest, CUDA's samples, trtexec, cuda-memcheck, gpu-burn, Go and Rust.
    r"\bTest(?:s|ing)? ?:? (?:PASSED|passed|OK)\b|\bResult ?= ?PASS\b|&&&& PASSED|={3,} .{0,60}\b\d+ passed|^\d+ passed\b|\b\d+ passed(?:, \d+ (?:skipped|warnings?|deselected|xfailed))* in \d|"
    r"^(?:ok|OK) {0,12}(?:\d+ tests?)?$|\bERROR SUMMARY: 0 errors|\btest result: ok\b|100% tests passed|\b(?:all|both) (?:\w+ ){0,3}(?:passed|pass|succeeded)\b|\bAMP: checks passed|errors: 0\b|GPU \d+: OK\b|"
    # Builds and installations.
    r"\[100%\] (?:Built|Linking)|install(?:ation)? (?:completed|was successful)|DKMS: install|is already the newest version|\.\.\. ?done\b|^SUCCESS!|-- (?:Configuring|Generating) done|memory_efficient_attention\.\S+ +available|\[OKAY\]|Building engine\.\.\. done|\bBuild (?:succeeded|successful|completed successfully|finished)|Successfully (?:built|installed|uninstalled|tagged|generated)\b|\bis now complete\b|ninja: no work to do|"
    r"Loading extension module \w+|Time to load \w+ op: \d|\(\d+ tests?\) OK|: installed$|Generated CDI spec|Wrote updated config to|Installed: \w+|Setting up \S+ \([\d.:~+-]+\S*\) \.\.\.|Built target \w+|"
    # Steps of a training or an inference.
    r"\b\d+/\d+ \[[=>.]{6,}\]|\b\d{1,3}%\|.{0,20}\| ?\d+/\d+ \[|\b(?:step|iter|epoch|it)\w*\b.{0,40}\bloss(?: ?[:=] ?|=)?[\d.]+|\{'loss': [\d.]+|\bloss: [\d.]+ .{0,40}(?:acc|val_)|tokens? per second|\btok(?:en)?s?/s\b|\b(?:img|images|samples|it|steps)/(?:s|sec)\b|"
    r"\boffloaded (?P<all>\d+)/(?P=all) layers to GPU|\bspeed= ?\d[\d.]*x|\bfps= ?[1-9]|Uvicorn running on|Application startup complete|Graph capturing finished|Throughput: [\d.]+|\b[kMG]H/s\b|Rendered \d+/\d+|_print_timings: +total time|Engine built in \d|"
    # Frameworks that list their GPU.
    r"is_available(?:\(\))?\)?\W{0,8}(?:(?:is|returns?|gives?|prints?|->) ?)?\W{0,2}True\b|\bfunctional\(\)\W{0,8}true\b|PhysicalDevice\(name='/physical_device:GPU|\[(?:Cuda|Gpu)Device\(|\[cuda\(id=|GPU available: True \(cuda\), used: True|"
    r"\bCUDA:\d \([^)]{3,40}MiB\)|msg=\"inference compute\" id=GPU|found \d+ CUDA devices|Created device /job\S+GPU:\d|Using cuDNN version|get_accelerator\] Setting ds_accelerator to cuda|^\d+ devices?: ?$|\d: NVIDIA [\w ]+\(sm_\d+|CUDA SETUP: Loading binary \S+_cuda\d+\S*\.so|"
    r"inference compute\"? id=GPU|Num GPUs Available: {1,3}[1-9]|using CUDA\d backend|\bTrue \d\d?\.\d\b|All distributed processes registered|Init COMPLETE\b|Registered device plugin for 'nvidia\.com/gpu'|[Pp]ersistence mode (?:is already )?[Ee]nabled|Detected [1-9]\d* CUDA Capable device|\bCompleted; logs",
)
#: The same in a person's words, of what is spoken of here.
_FINE = Lazy(
    r"\b(?:seems?|appears?|works?|working|trains?|training|runs?|running|goes|loads?|opens?|generates?|comes?|everything|models?|results?|outputs?|answers?|inference|transcription|images?|jobs?|render\w*|it|program|script|steps?|samples?|demo|sees the (?:gpu|card))\b"
    r".{0,40}?\b(?:fine|okay|ok|all right|normal(?:ly)?|well|nicely|successful\w*|correct(?:ly)?|good|right(?! (?:after|before|now|away|at))|anyway|though|as (?:usual|expected)|(?:keeps? )running|on and|finish\w*|proceeds?|continu\w+|succeed\w*|pass(?:es|ed)?)\b|"
    r"\b(?:it|torch|pytorch|tensorflow|jax|cuda|training|inference|everything|the (?:program|script|job|run|build|model|card|gpu|rest)) (?:still |also |all |both )?(?:works?|runs?|trains?|finish\w*|proceeds?|continues?|goes on)\b|"
    r"\b(?:training|build|installation|run|job) (?:is |has )?(?:done|finished|completed?|started|proceeds?|succeed\w*)\b|\b(?<!nvidia-smi )(?<!nvidia-smi` )(?:still |all |also )?works?(?: (?:well|fine|perfectly|anyway|too|otherwise|as expected))?(?= ?(?:[.,;!)]|$)| for me)|\bstill (?:reach\w*|trains?|gets?|runs?|works?|does) |\bloss goes down|"
    r"(?:正常|没问题|没有问题|能用|可以用|跑得(?:很)?好|一切正常|没有报错)",
    re.I,
)
#: Somebody asks whether it matters, or whether it is so on other machines.
_ASKS = Lazy(
    r"(?:^|[.;,:!?)-] ?|\b)(?:(?:is|are|was) (?:it|this|that|these|those|they|there|something|anything)\b(?:(?!\bnot?\b|n't|fail|error|cpu)[^.?!]){0,30}\b(?:normal|okay|ok|fine|expected|harmless|bad|serious|safe|a (?:problem|bug|concern|leak|worry|fault|virus)|wrong|broken|missing|important|left to do|to (?:do|worry|fix)|not (?:installed|set up|configured)\w* ?(?:right|correctly|properly)?|set up (?:right|wrong\w*)|mean)|"
    r"(?:should|must|do|need|can|may|could) (?:I|we|one) (?:(?!n't|fail|error)[^.?!]){0,30}(?:worr\w+|concern\w*|care|ignor\w+|do (?:something|anything)|change (?:something|anything)|fix|reinstall|upgrade|update|act|bother|install)|"
    r"(?:does|do|will|did|can) (?:it|this|that|these|they)\b(?:(?!n't|fail|error)[^.?!]){0,30}(?:affect|matter|impact|hurt|harm|mean|be ignored|change|slow)|"
    r"(?:normal|harmless|expected|bad|serious|okay|ok|safe|ignore|safe to ignore|correct|right|all right|fine|expected|supposed to \w+(?: \w+){0,2}|a problem|problem|worth fixing|odd|anything to do)(?: (?:for|on|with|in) (?:a |an |the |my )?[\w -]{1,30})?\?|"
    r"what does (?:it|this|that) mean|how (?:can|do) (?:I|we|you) (?:hide|silence|suppress|get rid of|turn off|mute|disable)|why (?:does|do|is|are) (?:\S+ ){1,6}(?:show\w*|say|print|report|display|list\w*|appear)\b)\?*|"
    r"(?:需要|要|用)(?:处理|管|担心|修复)吗|有(?:影响|问题|关系)吗|要紧吗|是(?:报错|错误|bug)吗|需要(?:统一|更新|重装|升级|修)吗|正常吗|可以忽略吗|(?:要不要|需不需要)(?:管|处理)",
    re.I,
)
#: What sounds like a fault and denies one.
_DENIES_FAULT = Lazy(
    r"\b(?:no|without|0|zero|not a|never (?:a|any)|nothing) (?:any |a |single |further |other |real )?(?:crash\w*|freez\w*|errors?|problems?|issues?|failures?|failed|faults?|warnings?|xids?|artifacts?|trouble|complaints?|wrong|broken|hangs?|slow ?downs?)\b(?: (?:anywhere|at all|in dmesg|no|either))?|"
    r"(?:when|while|with) nothing (?:runs|is running|else runs)|\berrors?: ?0\b|ERROR SUMMARY: 0 errors|\b(?:nothing|not) (?:is |seems )?(?:crash\w*|broken|wrong|slower)|no work to do|不报错|没有报错|没问题|没有问题|没有影响",
    re.I,
)
#: A line in which a program tells of something that it does without, and goes on.
_OPTIONAL = Lazy(
    r"consider install\w*|for (?:better|faster|best|improved|optimal) (?:performance|speed|results)|either upgrade or use|\boptional\b|"
    r"(?:using|uses|falling back to|fall back to|defaulting to|continuing (?:with|without)|proceeding without) (?:the )?(?:default|internal|slow(?:er)?|eager|native|pytorch-native|sdpa|built-?in|python|without)|"
    r"(?:will|may|might|can|could) be (?:slower|suboptimal|less accurate|reduced|ignored|removed)|; (?:continuing|ignored|ignoring|skipping|skipped)\b|, (?:ignoring|skipping|continuing)\b|"
    r"are not meant for performance measurements|Skipping incompatible|Gtk-Message|\bMESA-LOADER\b|\blibEGL warning|\bALSA lib\b|XDG_RUNTIME_DIR|NNPACK|\bAuthorization required\b|canberra|dconf-WARNING|GLib-GIO|\bTPU\b.{0,20}\bFalse|\b[TIH]PU available: False|32-bit (?:compatibility )?lib|"
    r"tokenizers: The current process just got forked|Setting `use_cache=False`|Special tokens have been added|disabling hardware random number|could not be (?:located|found), skipping|Could not locate (?:nvidia-imex|nvidia-fabricmanager|/nvidia-\S+|\S*(?:imex|mps|vulkan|nvoptix|egl|xorg|gsp|persistenced)\S*)|"
    r"were (?:newly initialized|not (?:used|initialized))|was (?:declared|set) but never (?:referenced|used)|invalid distribution|DEPRECATION|A newer version of \w+ exists|setuid",
    re.I,
)
_SEVERE = Lazy(
    r"\b(?:\w*error|fatal|traceback|\w*exception|panic|fail\w*|cannot|can't|could not|couldn't|unable|abort\w*|killed|segfault|segmentation|core dumped|not found|no such|denied|missing|mismatch\w*|unsupported|too old|"
    r"incompatible|Xid|invalid|lost|ERR!|no (?:\w+ )?(?:devices?|gpus?|cuda|driver|module)|falling back|not (?:supported|available|detected|compiled|visible|loaded|installed|used|using|recogni\w+|see\w*|found)|unknown|timed? ?out|refused|"
    r"insufficient|out of memory|False|undefined|unresolvable|CpuDevice|device: ?cpu|\['CPUExecutionProvider|on cpu|NaN|throws?|raises?|dies|died|panicked|KeyboardInterrupt|interrupted|OP_REQUIRES|not in available|stays idle|ends with|no longer)\b|list_physical_devices\([^)]{0,12}\)\W{0,8}\[\]|^\[\]$",
    re.I,
)
_AMISS = Lazy(
    r"\b(?:slow(?:er|ly)?|hangs?|hung|stuck|crash\w*|freez\w*|problem|issue|wrong|broken|trouble|weird|doesn't|don't|isn't|won't|didn't|wasn't|aren't|never|nothing|but|however|except|instead|although|only|until|unless|stops?|stopped|reboot|disappear\w*|gone|"
    r"corrupt\w*|garbage|loses?|drops?|dropped|not|no|cpu|none|half|too \w+|now|before|as root|after (?:the|a|an|my|updat\w+|install\w+|chang\w+|add\w+|set\w*|downgrad\w+|upgrad\w+|reinstall\w+|a reboot|reboot\w*|restart\w*)|times)\b|不|没|无法|失败|报错|为什么|怎么|出错|求助|卡|慢|后",
    re.I,
)
#: A log line that calls itself information: whatever it says, the program went on.
_INFORMS = Lazy(
    r"^(?:\S{4,32}[ T][\d:.,+Z-]{5,20}:? )?\[?(?:I(?:\d{4} | (?=\S+[/:.\]]))|INFO\b|level=INFO)|\b(?:level=info|NCCL INFO)\b|^.{0,60}[\[: |]INFO[\]:, |-]"
)
#: A person's sentence, even if it quotes a program.
_SENTENCE = Lazy(
    r"\b(?:I|my|our|it|is|are|was|were|the|but)\b(?=.*\b(?:I|my|our|it|is|are|was|were|the|but|with)\b)", re.I
)
_WHY = Lazy(r"\bwhy\b", re.I)
#: What is spoken of where no word of the GPU's stack is: a training, an extension's build.
_TRAINS = Lazy(
    r"\bepoch\b|\bloss\b|\btok(?:en)?s?\b|\.cu\b|extension module|\bninja\b|attention|sanitizer|memcheck|\bcard\b|\bvram\b|显卡|flash|gflop|\bDKMS\b|nvenc|nvdec",
    re.I,
)
#: More than that is a report, in which success stands beside everything else.
_SHORT = 40
#: So much of a line is read.
_WIDE = 1500


def at_work(lines: Sequence[str], apart: Collection[int] = ()) -> list[int]:
    """The lines that show it; none where anything complains. `apart`: indices of lines that are known to be harmless."""
    if len(lines) > _SHORT or not any(OURS.search(line) or _TRAINS.search(line) for line in lines):
        return []
    worked, said, asked = [], [], []
    explained = bool(apart)
    for index, line in enumerate(line[:_WIDE] for line in lines):
        if index in apart or not line.strip():
            continue
        bare = _DENIES_FAULT.sub(" ", line)
        if _ASKS.search(bare):
            asked.append(index)
            bare = _ASKS.sub(" ", bare)
        answered = f"{line}\n{lines[index + 1]}" if index + 1 < len(lines) else line
        program = _WORKED.search(answered) is not None
        person = _FINE.search(bare) is not None
        if program:
            worked.append(index)
        elif person:
            said.append(index)
        if _WHY.search(bare) and not (person or index in asked):
            return []
        if _INFORMS.match(line) or _OPTIONAL.search(line):
            explained = True
            continue
        if _SEVERE.search(bare):
            return []
        if not (mild(line) or (program and not _SENTENCE.search(line))) and _AMISS.search(
            _FINE.sub(" ", bare)
        ):
            return []
    if explained and not worked:
        return said or asked
    return worked or asked
