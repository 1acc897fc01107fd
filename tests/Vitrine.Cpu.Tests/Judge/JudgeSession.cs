using System.Globalization;
using System.Text;
using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>What the judge found about one form.</summary>
internal sealed record Verdict(Code Code, int Instances, int Mismatches, int Faults, IReadOnlyList<string> Examples);

/// <summary>One native runner and one engine, side by side; serves one thread.</summary>
internal sealed unsafe class JudgeSession(string engine) : IDisposable
{
    private const int MaxExamples = 3;

    /// <summary>
    /// How often the host is asked again about XSAVE and its kin: when it is interrupted between an instance's loading and its
    /// run, its kernel saves and loads components, and one that holds its initial value may then count as in use or not.
    /// </summary>
    private const int Attempts = 5;

    public string Engine { get; } = engine;

    private readonly NativeProcessor _native = new();
    private readonly IJudgedEngine _judged = Engines.Create(engine);
    private readonly Generator _generator = new();
    private readonly SequenceGenerator _sequences = new(Forms.Required(AnnouncedFeatures.Extras));
    private readonly Mutator _mutator = new(AnnouncedFeatures.Extras);
    private readonly Comparison _comparison = new();
    private readonly Instruction[] _instructions = new Instruction[NativeProcessor.Capacity];

    public Verdict Judge(Code code, int instances)
    {
        var form = new Form(code);
        int mismatches = 0, faults = 0;
        var examples = new List<string>();
        Result* guest = stackalloc Result[1];
        for (int first = 0; first < instances; first += NativeProcessor.Capacity)
        {
            int count = Math.Min(NativeProcessor.Capacity, instances - first);
            for (int i = 0; i < count; i++)
                _instructions[i] = _generator.Make(form, first + i, _native.InstanceAt(i));
            _native.Run(count);
            for (int i = 0; i < count; i++)
            {
                Instance* instance = _native.InstanceAt(i);
                Result* host = _native.ResultAt(i);
                _judged.Run(instance, guest);
                faults += host->Vector is 1 or 3 or 4 ? 0 : 1;
                if (Differences(form, i, count, guest) is not { } differences)
                    continue;
                mismatches++;
                if (examples.Count < MaxExamples)
                    examples.Add(Describe(form, first + i, instance, _instructions[i], host, differences));
            }
        }

        return new Verdict(code, instances, mismatches, faults, examples);
    }

    /// <summary>Runs random sequences; returns how many differ and descriptions of the first few.</summary>
    public (int Mismatches, List<string> Examples) JudgeSequences(int first, int count)
    {
        int mismatches = 0;
        var examples = new List<string>();
        var none = new Form(Code.Nopd);
        var undefined = new (ulong AtEnd, ulong Ever, ulong End)[NativeProcessor.Capacity];
        Result* guest = stackalloc Result[1];
        for (int done = 0; done < count; done += NativeProcessor.Capacity)
        {
            int batch = Math.Min(NativeProcessor.Capacity, count - done);
            for (int i = 0; i < batch; i++)
            {
                _sequences.Make(first + done + i, _native.InstanceAt(i));
                undefined[i] = (_sequences.UndefinedFlags, _sequences.EverUndefinedFlags, _sequences.End);
            }

            _native.Run(batch);
            for (int i = 0; i < batch; i++)
            {
                Result* host = _native.ResultAt(i);
                _judged.Run(_native.InstanceAt(i), guest);
                bool atEnd = host->Vector == 3 && host->State.Rip == undefined[i].End + 1;
                ulong mask = atEnd ? undefined[i].AtEnd : undefined[i].Ever;
                if (_comparison.Differences(none, default, _native.InstanceAt(i), host, guest, mask) is not { } differences)
                    continue;
                mismatches++;
                if (examples.Count < MaxExamples)
                    examples.Add(DescribeSequence(first + done + i, _native.InstanceAt(i), host, differences));
            }
        }

        return (mismatches, examples);
    }

    /// <summary>Runs mutated instructions of a form; also gives how many of them could be run.</summary>
    public (int Run, int Mismatches, List<string> Examples) JudgeMutants(Code code, int instances)
    {
        var form = new Form(code);
        int run = 0, mismatches = 0;
        var examples = new List<string>();
        Result* guest = stackalloc Result[1];
        for (int first = 0; first < instances; first += NativeProcessor.Capacity)
        {
            int count = 0;
            for (int i = first; i < Math.Min(first + NativeProcessor.Capacity, instances); i++)
            {
                _generator.Make(form, i, _native.InstanceAt(count));
                if (_mutator.Mutate(_native.InstanceAt(count), ((ulong)code << 32) + (ulong)i) is { } instruction)
                    _instructions[count++] = instruction;
            }

            _native.Run(count);
            run += count;
            for (int i = 0; i < count; i++)
            {
                Instance* instance = _native.InstanceAt(i);
                Result* host = _native.ResultAt(i);
                _judged.Run(instance, guest);
                var mutated = new Form(_instructions[i].Code);
                if (Differences(mutated, i, count, guest) is not { } differences)
                    continue;
                mismatches++;
                if (examples.Count < MaxExamples)
                    examples.Add(Describe(mutated, first + i, instance, _instructions[i], host, differences));
            }
        }

        return (run, mismatches, examples);
    }

    /// <summary>What differs between the host and the engine in an instance of the batch that was just run.</summary>
    private string? Differences(Form form, int i, int count, Result* guest)
    {
        string? differences = _comparison.Differences(form, _instructions[i], _native.InstanceAt(i), _native.ResultAt(i), guest);
        for (int attempt = 0; differences is not null && form.IsExtendedState && attempt < Attempts; attempt++)
        {
            _native.Run(count);
            differences = _comparison.Differences(form, _instructions[i], _native.InstanceAt(i), _native.ResultAt(i), guest);
        }

        return differences;
    }

    private string DescribeSequence(int index, Instance* instance, Result* host, string differences)
    {
        _sequences.Make(index, instance);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"sequence {index} (host: vector {host->Vector} at {host->State.Rip:x}):");
        foreach (Instruction instruction in _sequences.Instructions)
            text.AppendLine(CultureInfo.InvariantCulture, $"   {instruction.IP:x} {instruction}");
        text.AppendLine(CultureInfo.InvariantCulture, $"   differs:{differences}");
        text.Append(CultureInfo.InvariantCulture, $"   from: rflags={instance->State.Rflags:x}");
        for (int i = 0; i < 16; i++)
            text.Append(CultureInfo.InvariantCulture, $" {Comparison.RegisterName(i)}={instance->State.Gpr[i]:x}");
        return text.ToString();
    }

    private static string Describe(Form form, int index, Instance* instance, Instruction instruction, Result* host, string differences)
    {
        var text = new StringBuilder();
        MachineState* s = &instance->State;
        instruction.IP = s->Rip;
        ReadOnlySpan<Patch> patches = instance->PatchList;
        text.Append(CultureInfo.InvariantCulture, $"{form.Code}#{index} ");
        foreach (Patch patch in patches)
        {
            if (patch.ArenaOffset >= 6 * 4096)
                text.Append(Convert.ToHexString(instance->BytesOf(patch)));
        }

        text.Append(CultureInfo.InvariantCulture, $" at {s->Rip:x} \"{instruction}\" (host: vector {host->Vector})\n   differs:{differences}\n   from: rflags={s->Rflags:x}");
        for (int i = 0; i < 16; i++)
            text.Append(CultureInfo.InvariantCulture, $" {Comparison.RegisterName(i)}={s->Gpr[i]:x}");
        if (form.IsFpu || form.UsesVectors || form.MemoryBytes > 200)
        {
            text.Append(CultureInfo.InvariantCulture, $" fcw={s->Fcw:x} fsw={s->Fsw:x} ftw={s->Ftw:x} mxcsr={s->Mxcsr:x}");
            if (form.IsFpu)
            {
                for (int i = 0; i < 8; i++)
                    text.Append(CultureInfo.InvariantCulture, $" st{i}={s->St((2 * i) + 1):x4}_{s->St(2 * i):x16}");
            }
            else
            {
                for (int op = 0; op < instruction.OpCount; op++)
                {
                    Register register = instruction.GetOpKind(op) == OpKind.Register ? instruction.GetOpRegister(op) : Register.None;
                    if (register is >= Register.XMM0 and <= Register.XMM15 or >= Register.YMM0 and <= Register.YMM15)
                    {
                        int n = register >= Register.YMM0 ? register - Register.YMM0 : register - Register.XMM0;
                        text.Append(CultureInfo.InvariantCulture, $" ymm{n}={s->YmmHigh((2 * n) + 1):x16}_{s->YmmHigh(2 * n):x16}_{s->Xmm((2 * n) + 1):x16}_{s->Xmm(2 * n):x16}");
                    }
                    else if (register is >= Register.MM0 and <= Register.MM7)
                    {
                        int n = (register - Register.MM0 - (s->Fsw >> 11)) & 7;
                        text.Append(CultureInfo.InvariantCulture, $" {register}={s->St(2 * n):x16}");
                    }
                }
            }
        }

        foreach (Patch patch in patches)
        {
            if (patch.ArenaOffset < 6 * 4096)
                text.Append(CultureInfo.InvariantCulture, $" [{Arena.Pages[patch.ArenaOffset >> 12].Address + (patch.ArenaOffset & 4095):x}]={Convert.ToHexString(instance->BytesOf(patch))}");
        }

        return text.ToString();
    }

    public void Dispose()
    {
        _native.Dispose();
        _judged.Dispose();
    }
}
