using System.Text;
using Vitrine.Hardware.Host;

namespace Vitrine.Kernel.Tests.Terminals;

/// <summary>What programs do to a screen by control sequences is known, and can be undone.</summary>
public sealed class ScreenModesTests
{
    [Theory]
    [InlineData("plain text\r\n\t\a", "")]
    [InlineData("\e[?1049h", "\e[?1049l")]
    [InlineData("\e[?1049h\e[?1049l", "")]
    [InlineData("\e[?25l", "\e[?25h")]
    [InlineData("\e[?25l\e[?25h", "")]
    [InlineData("\e[?7l", "\e[?7h")]
    [InlineData("\e[?1000;1006h", "\e[?1000l\e[?1006l")]
    [InlineData("\e[?2004h\e[31mred\e[0m", "\e[?2004l")]
    [InlineData("\e[1;31mred", "\e[m")]
    [InlineData("\e[1;31mred\e[m", "")]
    [InlineData("\e[?1h\e=", "\e>\e[?1l")]
    [InlineData("\e=\e>", "")]
    [InlineData("\e[5;20r", "\e7\e[r\e8")]
    [InlineData("\e[5;20r\e[r", "")]
    [InlineData("\e(0lqk\e(B", "")]
    [InlineData("\e(0lqk", "\x0f\e(B")]
    [InlineData("\x0e", "\x0f\e(B")]
    [InlineData("\e[?1049h\e[?25l\ec", "")]
    [InlineData("\e]0;a title with [?25l\a", "")]
    [InlineData("\e]0;title\e\\\e[?25l", "\e[?25h")]
    [InlineData("\e[?25", "\x18")]
    [InlineData("\e[?25l\e]2;cut off", "\x18\e[?25h")]
    [InlineData("\e[?12345l\e[99h\e[>c\e[?25$p", "")]
    [InlineData("\e[?999999999999999999h\e[?25l", "\e[?25h")]
    public void Undo_IsWhatIsLeftToDo(string output, string undo)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(output);
        var whole = new ScreenModes();
        whole.Follow(bytes);
        var pieces = new ScreenModes();
        foreach (byte one in bytes)
            pieces.Follow([one]);
        Assert.Equal(undo, Encoding.Latin1.GetString(whole.Undo()));
        Assert.Equal(undo, Encoding.Latin1.GetString(pieces.Undo()));
        Assert.False(whole.IsChanged);
        Assert.Empty(whole.Undo());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AnyBytes_AreFollowed_AndTheUndoingIsComplete(int seed)
    {
        var random = new Random(seed);
        const string alphabet = "\e\e\e[[[???;0123459hlmr=>(B0c\a\\]Px\x0e\x0f\x18";
        for (int round = 0; round < 2_000; round++)
        {
            var modes = new ScreenModes();
            byte[] bytes = new byte[random.Next(1, 60)];
            for (int i = 0; i < bytes.Length; i++)
                bytes[i] = random.Next(8) == 0 ? (byte)random.Next(256) : (byte)alphabet[random.Next(alphabet.Length)];
            modes.Follow(bytes);
            var other = new ScreenModes();
            other.Follow(bytes);
            byte[] undo = modes.Undo();
            other.Follow(undo);
            Assert.False(other.IsChanged, Convert.ToHexString(bytes));
        }
    }

    [Fact]
    public void WhatIsAccepted_Stays()
    {
        var modes = new ScreenModes();
        modes.Follow("\e[?25l"u8);
        Assert.True(modes.IsChanged);
        modes.Accept();
        Assert.Empty(modes.Undo());
    }
}
