using System.Text;
using Vitrine.Kernel.Tasks.Exec;

namespace Vitrine.Kernel.Tests.Tasks;

public sealed class ScriptHeaderTests
{
    [Theory]
    [InlineData("#!/bin/sh\necho", "/bin/sh", null)]
    [InlineData("#! /bin/sh -e x \t\n", "/bin/sh", "-e x")]
    [InlineData("#!\t/usr/bin/env\tpython3\n", "/usr/bin/env", "python3")]
    [InlineData("#!/bin/sh", "/bin/sh", null)]
    [InlineData("#!sh\n", "sh", null)]
    public void Parse_ALine_GivesInterpreterAndOneArgument(string text, string interpreter, string? argument)
    {
        ScriptHeader header = ScriptHeader.Parse(Encoding.ASCII.GetBytes(text)).Value;
        Assert.Equal(interpreter, Encoding.ASCII.GetString(header.Interpreter));
        Assert.Equal(argument, header.Argument is null ? null : Encoding.ASCII.GetString(header.Argument));
    }

    [Theory]
    [InlineData("#!\n")]
    [InlineData("#!   \t\n/bin/sh")]
    [InlineData("#!")]
    public void Parse_NoInterpreter_ReturnsEnoexec(string text) =>
        Assert.Equal(Errno.ENOEXEC, ScriptHeader.Parse(Encoding.ASCII.GetBytes(text)).Error);

    [Fact]
    public void Parse_NameCutOffByTheBuffer_ReturnsEnoexec() =>
        Assert.Equal(Errno.ENOEXEC, ScriptHeader.Parse(Encoding.ASCII.GetBytes("#!/" + new string('x', 300))[..256]).Error);

    [Fact]
    public void Parse_ArgumentCutOffByTheBuffer_IsShortened()
    {
        ScriptHeader header = ScriptHeader.Parse(Encoding.ASCII.GetBytes("#!/bin/sh " + new string('x', 300))[..256]).Value;
        Assert.Equal(255 - 10, header.Argument!.Length);
    }
}
