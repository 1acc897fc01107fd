using System.Text;
using Vitrine.Kernel.Syscalls;
using Vitrine.Kernel.Syscalls.Tracing;

namespace Vitrine.Kernel.Tests.Tracing;

public class TracerTests
{
    private const int Main = 100;
    private readonly List<string> _lines = [];
    private readonly FakeMemory _memory = new();

    [Fact]
    public void Constants_OfOpen_NameAccessModeAndFlags()
    {
        Assert.Equal("O_RDONLY|O_CLOEXEC", Constants("open", 0x80000));
        Assert.Equal("O_WRONLY|O_CREAT|O_TRUNC", Constants("open", 0x241));
        Assert.Equal("O_RDONLY|0x40000000", Constants("open", 0x40000000));
        Assert.Equal("0x63 /* ??? */", Constants("clock", 99));
        Assert.Equal("0", Constants("at", 0));
    }

    [Theory]
    [InlineData("a\"b\\\n", "\"a\\\"b\\\\\\n\"")]
    [InlineData("\u0001x\u00019", "\"\\1x\\0019\"")]
    public void Quoted_Bytes_AreCNotation(string bytes, string expected)
    {
        var text = new StringBuilder();
        text.Quoted(Encoding.Latin1.GetBytes(bytes), truncated: false);
        Assert.Equal(expected, text.ToString());
    }

    [Fact]
    public void UnknownCall_IsNamedAndFails()
    {
        var tracer = new Tracer(_lines.Add, Main);
        tracer.Enter(Main, 181, new SyscallArguments(1, 2, 3, 0, 0, 0), _memory);
        tracer.Exit(Main, -38, _memory);
        tracer.Exited(Main, 3);
        Assert.Equal(
            ["getpmsg(0x1, 0x2, 0x3, 0, 0, 0)         = -1 ENOSYS (Function not implemented)", "+++ exited with 3 +++"],
            _lines);
    }

    [Fact]
    public void CallOfAnotherTaskInBetween_SplitsTheLine()
    {
        var tracer = new Tracer(_lines.Add, Main);
        tracer.Enter(Main, 39, default, _memory);
        tracer.Attached(101);
        tracer.Enter(101, 186, default, _memory);
        tracer.Exit(101, 101, _memory);
        tracer.Exit(Main, 100, _memory);
        Assert.Equal(
            [
                "getpid( <unfinished ...>",
                "strace: Process 101 attached",
                "[pid   101] gettid()                                = 101",
                "[pid   100] <... getpid resumed>)                   = 100",
            ],
            _lines);
    }

    [Fact]
    public void Exit_WhileInACall_ShowsAQuestionMark()
    {
        var tracer = new Tracer(_lines.Add, Main);
        tracer.Enter(Main, 39, default, _memory);
        tracer.Killed(Main, 11, coreDumped: false);
        Assert.Equal(["getpid( <unfinished ...>)               = ?", "+++ killed by SIGSEGV +++"], _lines);
    }

    [Fact]
    public void SignalSet_WithFewMissing_IsInverted()
    {
        var text = new StringBuilder();
        TraceSignals.AppendSet(text, ~((1UL << 8) | (1UL << 18)));
        Assert.Equal("~[KILL STOP]", text.ToString());
    }

    [Fact]
    public void Stat_OfARegularFile_ShowsModeAndSize()
    {
        byte[] stat = new byte[144];
        BitConverter.TryWriteBytes(stat.AsSpan(24), 0x81a4u);
        BitConverter.TryWriteBytes(stat.AsSpan(48), 1234L);
        var text = new StringBuilder();
        TraceStructs.Append(text, "stat", stat);
        Assert.Equal("{st_mode=S_IFREG|0644, st_size=1234, ...}", text.ToString());
    }

    private static string Constants(string set, ulong value)
    {
        var text = new StringBuilder();
        TraceConstants.Get(set).Append(text, value);
        return text.ToString();
    }

    private sealed class FakeMemory : ITraceMemory
    {
        public int Read(VirtAddr from, Span<byte> to) => 0;
    }
}
