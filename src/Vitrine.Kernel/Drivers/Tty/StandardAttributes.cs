namespace Vitrine.Kernel.Drivers.Tty;

/// <summary>How terminals are when they are new (tty_std_termios).</summary>
internal static class StandardAttributes
{
    /// <summary>INIT_C_CC: ^C ^\ DEL ^U ^D, one byte without a timer, ^Q ^S ^Z, ^R ^O ^W ^V.</summary>
    private static ReadOnlySpan<byte> Characters => [3, 0x1c, 0x7f, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1a, 0, 0x12, 0x0f, 0x17, 0x16, 0];

    /// <summary>A terminal that a person sits at.</summary>
    public static KernelTermios Cooked
    {
        get
        {
            KernelTermios attributes = Raw;
            attributes.Input = InputModes.ReturnToNewLine | InputModes.FlowControlOutput;
            attributes.Output = OutputModes.Process | OutputModes.NewLineToReturnNewLine;
            attributes.Local = LocalModes.Signals | LocalModes.Canonical | LocalModes.Echo | LocalModes.EchoErase | LocalModes.EchoKill
                | LocalModes.EchoControl | LocalModes.EchoKillErases | LocalModes.Extended;
            return attributes;
        }
    }

    /// <summary>A pseudo-terminal's master: bytes as they are.</summary>
    public static KernelTermios Raw
    {
        get
        {
            var attributes = new KernelTermios
            {
                Control = ControlModes.Baud38400 | ControlModes.Size8 | ControlModes.Receiver,
                InputSpeed = 38400,
                OutputSpeed = 38400,
            };
            for (int i = 0; i < Characters.Length; i++)
                attributes.Characters[i] = Characters[i];
            return attributes;
        }
    }
}
