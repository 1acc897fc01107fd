using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// What <c>vitrine do --strace</c> prints: one line a system call of every task, in strace's format. A call that is
/// still under way when another task's turn comes is split into an <c>&lt;unfinished ...&gt;</c> and a
/// <c>&lt;... resumed&gt;</c> line. Called with the kernel lock held.
/// </summary>
/// <param name="sink">Takes a finished line, without its end.</param>
/// <param name="firstTask">The task whose lines carry no number while it is alone.</param>
internal sealed class Tracer(Action<string> sink, int firstTask)
{
    private const int ResultColumn = 40;

    private readonly Dictionary<int, Line> _lines = [];
    private readonly HashSet<int> _alive = [firstTask];
    private readonly StringBuilder _text = new();
    private Dictionary<int, SyscallInfo>? _declared;
    private Line? _open;

    /// <summary>The first program: shown as the execve that strace itself would have made.</summary>
    public void Started(int task, byte[] path, byte[][] arguments, ulong environment, int variables)
    {
        CloseOpenLine();
        _text.Clear().Append("execve(");
        _text.Quoted(path, truncated: false);
        for (int i = 0; i < arguments.Length; i++)
        {
            _text.Append(i == 0 ? ", [" : ", ");
            _text.Quoted(arguments[i].AsSpan(0, Math.Min(arguments[i].Length, TraceText.StringLimit)), arguments[i].Length > TraceText.StringLimit);
        }

        _text.Append("], ").Address(environment).Append(CultureInfo.InvariantCulture, $" /* {variables} var{(variables == 1 ? "" : "s")} */)");
        if (_text.Length < ResultColumn - 1)
            _text.Append(' ', ResultColumn - 1 - _text.Length);
        Emit(task, _text.Append(" = 0"));
    }

    /// <summary>A new task: its parent's lines get a number from now on too.</summary>
    public void Attached(int task)
    {
        CloseOpenLine();
        _alive.Add(task);
        sink($"strace: Process {task} attached");
    }

    public void Enter(int task, int number, in SyscallArguments arguments, ITraceMemory memory)
    {
        CloseOpenLine();
        var line = new Line(task, new TraceCall(number, Describe(number), in arguments));
        AppendName(line);
        AppendArguments(line, memory);
        _lines[task] = line;
        _open = line;
    }

    /// <summary>The call returned <paramref name="result"/>; restart codes (ERESTARTSYS and its like) come as they are.</summary>
    public void Exit(int task, long result, ITraceMemory memory)
    {
        if (!_lines.Remove(task, out Line? line))
            return;
        line.Call.Return(result);
        if (line != _open)
        {
            CloseOpenLine();
            line.Text.Clear().Append("<... ").Append(NameOf(line.Call)).Append(" resumed>");
        }

        AppendArguments(line, memory);
        line.Text.Append(')');
        AppendResult(line, memory);
        Emit(task, line.Text);
        _open = null;
    }

    /// <summary>A signal is delivered to the task.</summary>
    public void Signal(int task, int signal, int code, ulong address, int pid, uint uid, int status)
    {
        CloseOpenLine();
        _text.Clear().Append("--- ").Append(TraceSignals.Name(signal)).Append(' ');
        TraceSignals.AppendInfo(_text, signal, code, address, pid, uid, status);
        Emit(task, _text.Append(" ---"));
    }

    public void Exited(int task, int code)
    {
        EndCall(task);
        Emit(task, _text.Clear().Append(CultureInfo.InvariantCulture, $"+++ exited with {code} +++"));
        _alive.Remove(task);
    }

    public void Killed(int task, int signal, bool coreDumped)
    {
        EndCall(task);
        Emit(task, _text.Clear().Append("+++ killed by ").Append(TraceSignals.Name(signal)).Append(coreDumped ? " (core dumped) +++" : " +++"));
        _alive.Remove(task);
    }

    /// <summary>The machine stops: what was under way is shown as far as it got.</summary>
    public void Finish() => CloseOpenLine();

    private SyscallInfo? Describe(int number)
    {
        if (_declared is null)
        {
            _declared = [];
            foreach (SyscallInfo info in SyscallTable.Declared)
                _declared[info.Number] = info;
        }

        return _declared.GetValueOrDefault(number);
    }

    private static string NameOf(TraceCall call) =>
        call.Info?.Name ?? SyscallNames.Of(call.Number) ?? "syscall_0x" + call.Number.ToString("x", CultureInfo.InvariantCulture);

    private static void AppendName(Line line) => line.Text.Append(NameOf(line.Call)).Append('(');

    private static void AppendArguments(Line line, ITraceMemory memory)
    {
        TraceCall call = line.Call;
        int count = TraceCalls.ArgumentCount(call);
        for (; line.Shown < count; line.Shown++)
        {
            int mark = line.Text.Length;
            if (line.Shown > 0)
                line.Text.Append(", ");
            if (call.Info is null)
            {
                line.Text.Hex(call.Arguments[line.Shown]);
            }
            else if (!TraceArguments.TryAppend(line.Text, call, line.Shown, memory))
            {
                line.Text.Length = mark;
                return;
            }
        }
    }

    private static void AppendResult(Line line, ITraceMemory memory)
    {
        StringBuilder text = line.Text;
        if (text.Length < ResultColumn - 1)
            text.Append(' ', ResultColumn - 1 - text.Length);
        text.Append(" = ");
        long result = line.Call.Result;
        if (result is < 0 and >= -4095)
            TraceErrno.Append(text, (int)-result);
        else if (line.Call.Number is 9 or 12 or 25 or 30)
            text.Hex((ulong)result);
        else
            text.Decimal(result);
        if (line.Call.Number is 7 or 271 && result > 0)
            AppendReadyDescriptors(text, line.Call, memory);
        else if (line.Call.Number is 7 or 271 or 23 or 270 or 232 or 281 && result == 0 && line.Call.Number is not (232 or 281))
            text.Append(" (Timeout)");
    }

    /// <summary>Which descriptors poll found ready: <c>([{fd=0, revents=POLLIN}])</c>.</summary>
    private static void AppendReadyDescriptors(StringBuilder text, TraceCall call, ITraceMemory memory)
    {
        Span<byte> entry = stackalloc byte[8];
        int shown = 0;
        text.Append(" ([");
        for (ulong i = 0; i < Math.Min(call.Arguments.A1, 1024); i++)
        {
            if (memory.Read(new VirtAddr(call.Arguments.A0 + (i * 8)), entry) < 8)
                break;
            if (TraceText.U16(entry, 6) == 0)
                continue;
            text.Append(shown++ == 0 ? "" : ", ").Append("{fd=").Decimal(TraceText.I32(entry, 0)).Append(", revents=");
            TraceConstants.Get("poll-events").Append(text, TraceText.U16(entry, 6));
            text.Append('}');
        }

        text.Append("])");
    }

    /// <summary>A task that ends inside a call (exit, or a fatal signal) never returns from it.</summary>
    private void EndCall(int task)
    {
        if (!_lines.Remove(task, out Line? line) || line != _open)
        {
            CloseOpenLine();
            return;
        }

        bool exits = line.Call.Number is 60 or 231;
        line.Text.Append(exits ? ")" : " <unfinished ...>)");
        if (line.Text.Length < ResultColumn - 1)
            line.Text.Append(' ', ResultColumn - 1 - line.Text.Length);
        Emit(task, line.Text.Append(" = ?"));
        _open = null;
    }

    private void CloseOpenLine()
    {
        if (_open is not { } line)
            return;
        _open = null;
        Emit(line.Task, line.Text.Append(" <unfinished ...>"));
    }

    private void Emit(int task, StringBuilder text) =>
        sink(_alive.Count > 1 || task != firstTask ? $"[pid {task,5}] {text}" : text.ToString());

    /// <summary>A call under way: its text so far and how many arguments that holds.</summary>
    private sealed class Line(int task, TraceCall call)
    {
        public int Task { get; } = task;

        public TraceCall Call { get; } = call;

        public StringBuilder Text { get; } = new();

        public int Shown { get; set; }
    }
}
