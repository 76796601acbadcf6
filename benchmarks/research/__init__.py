"""What neither the papers nor the product needs and the experiments compare with: plug-ins like any other."""
